"""A processing job's outputs: what is in the folders of its hosts, as S3 objects."""

import logging
import threading
from collections.abc import Sequence
from pathlib import Path

from maze_helpers.local_cloud.engine.artifacts import files_below
from maze_helpers.local_cloud.engine.processing.folder import ProcessingFolder, outputs_of
from maze_helpers.local_cloud.engine.processing.record import Document
from maze_helpers.local_cloud.engine.s3_uri import split_s3_uri
from maze_helpers.local_cloud.errors import AWSError
from maze_helpers.local_cloud.services.s3.objects import ObjectStore

log = logging.getLogger(__name__)

# How often a continuous output is looked at: a guess.
CONTINUOUS_PERIOD_S = 1.0


class Output:
    """One output of one host, and which of its files are stored, in which state."""

    def __init__(self, objects: ObjectStore, folder: ProcessingFolder, target: Document) -> None:
        self.is_continuous = target["S3UploadMode"] == "Continuous"
        self._objects = objects
        self._folder = folder
        self._path = folder.local(target["LocalPath"])
        self._bucket, prefix = split_s3_uri(target["S3Uri"])
        self._prefix = f"{prefix.rstrip('/')}/" if prefix else ""
        self._stored: dict[Path, tuple[int, int]] = {}

    def store(self) -> None:
        """Store each file that is new, or changed since it was stored; links are left out.

        Source: SageMaker guide, "How Amazon SageMaker Processing Configures Input and Output For
        Your Processing Container".
        Raises: the object store's errors.
        """
        if not self._folder.is_untouched(self._path):
            return
        for file in files_below(self._path):
            try:
                status = file.stat()
                state = (status.st_size, status.st_mtime_ns)
                if self._stored.get(file) != state:
                    key = self._prefix + file.relative_to(self._path).as_posix()
                    self._objects.upload(self._bucket, key, file)
                    self._stored[file] = state
            except FileNotFoundError:
                continue  # The job has removed it since.


class Outputs:
    """All outputs of a job's hosts, in order."""

    def __init__(
        self, objects: ObjectStore, job: Document, folders: Sequence[ProcessingFolder]
    ) -> None:
        self._outputs = [
            Output(objects, folder, target) for folder in folders for target in outputs_of(job)
        ]
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._store_changes, name="outputs", daemon=True)

    def start(self) -> None:
        """Begin to store what the continuous outputs hold."""
        self._thread.start()

    def stop(self) -> None:
        """Store no more by itself; return when nothing is being stored."""
        self._ended.set()
        self._thread.join()

    def store(self) -> None:
        """Store all that is there. Raises: the object store's errors."""
        for output in self._outputs:
            output.store()

    def _store_changes(self) -> None:
        continuous = [output for output in self._outputs if output.is_continuous]
        while continuous and not self._ended.wait(CONTINUOUS_PERIOD_S):
            try:
                for output in continuous:
                    output.store()
            except (AWSError, OSError):
                # What keeps it from being stored may pass, or else be told at the end.
                log.warning("an output could not be stored yet", exc_info=True)
