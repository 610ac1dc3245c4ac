"""A folder whose files go to S3 while a job runs: checkpoints, and intermediate output.

Source: SageMaker guide, "Checkpoints in Amazon SageMaker AI".
"""

from __future__ import annotations

import errno
import logging
import os
import threading
from pathlib import Path

from maze_helpers.local_cloud.engine.artifacts import files_below
from maze_helpers.local_cloud.engine.s3_uri import split_s3_uri
from maze_helpers.local_cloud.errors import AWSError
from maze_helpers.local_cloud.services.s3.objects import ObjectStore

log = logging.getLogger(__name__)

# How often the folder is looked at. Differs from AWS, which does not say how often.
PERIOD_S = 0.5

# What changes with a file's content: its inode, size, and time of change in ns.
Stamp = tuple[int, int, int]


class FolderUpload:
    """Copies what is written to a folder to an S3 prefix. What is removed there stays in S3.

    A file goes to S3 whole, once it was left alone from one look to the next; a file that is
    written on goes again. That AWS removes nothing is a guess.
    """

    def __init__(self, objects: ObjectStore, folder: Path, uri: str) -> None:
        """Make the upload of a folder that need not be there yet, to what is below a URI."""
        self._objects = objects
        self._folder = folder
        self._real_path = os.path.realpath(folder)
        self._bucket, prefix = split_s3_uri(uri)
        self._prefix = prefix.rstrip("/") + "/" if prefix else ""
        self._stored: dict[Path, Stamp] = {}
        self._seen: dict[Path, Stamp] = {}
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch, name=f"upload to {uri}", daemon=True)

    def start(self) -> None:
        """Begin to look at the folder. What is in it already is in S3 as well."""
        self._stored = self._stamps()
        self._thread.start()

    def finish(self) -> None:
        """Store what is not stored yet, and look no more. Nothing happens if it never began.

        Raises: OSError, if a file cannot be read; the object store's errors.
        """
        if self._thread.ident is not None:
            self.stop()
            self.store()

    def stop(self) -> None:
        """Look no more; return when nothing is being stored."""
        self._ended.set()
        if self._thread.ident is not None:
            self._thread.join()

    def store(self) -> None:
        """Store what is not stored yet.

        Raises: OSError, if a file cannot be read; the object store's errors.
        """
        self._store(self._stamps())

    def _watch(self) -> None:
        while not self._ended.wait(PERIOD_S):
            try:
                stamps = self._stamps()
                left_alone = {p: s for p, s in stamps.items() if self._seen.get(p) == s}
                self._seen = stamps
                self._store(left_alone)
            except (AWSError, OSError) as error:
                # It may succeed later. If it never does, `finish` says why.
                log.warning("%s cannot be stored now: %s", self._folder, error)

    def _store(self, stamps: dict[Path, Stamp]) -> None:
        for path, stamp in stamps.items():
            if self._stored.get(path) == stamp:
                continue
            try:
                self._objects.upload(self._bucket, self._key(path), path)
            except FileNotFoundError:
                continue  # It was removed meanwhile.
            self._stored[path] = stamp

    def _key(self, path: Path) -> str:
        key = self._prefix + path.relative_to(self._folder).as_posix()
        try:
            key.encode()
        except UnicodeEncodeError as error:
            raise OSError(errno.EILSEQ, f"the file name {path.name!a} is not UTF-8") from error
        return key

    def _stamps(self) -> dict[Path, Stamp]:
        """Return the folder's files, unless a link took its place, or that of one above it.

        Raises: OSError, if a folder cannot be read.
        """
        if os.path.realpath(self._folder) != self._real_path:
            return {}
        stamps = {}
        for path in files_below(self._folder):
            try:
                status = os.lstat(path)
            except FileNotFoundError:
                continue  # It was removed meanwhile.
            stamps[path] = (status.st_ino, status.st_size, status.st_mtime_ns)
        return stamps
