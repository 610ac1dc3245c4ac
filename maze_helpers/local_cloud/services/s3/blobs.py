"""Files of bytes under random names: what objects and uploaded parts hold.

No name in here comes from a key, so any key lands safely. A file is never changed once a
row of the database names it, and a file that no row names is garbage.
"""

import logging
import os
import secrets
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

log = logging.getLogger(__name__)


class BlobFiles:
    """The blob files of one folder."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._lock = threading.Lock()
        self._readers: Counter[str] = Counter()
        self._unwanted: set[str] = set()

    def path(self, blob_id: str) -> Path:
        """Return where a blob's bytes are."""
        return self.root / blob_id[:2] / blob_id

    def create(self) -> "NewBlob":
        """Return a new, empty blob to write to."""
        return NewBlob(self, secrets.token_hex(16))

    def link(self, blob_id: str) -> str:
        """Return a new blob of the same bytes, without copying them.

        Raises: OSError, where the file system has no hard links.
        """
        twin = secrets.token_hex(16)
        self.path(twin).parent.mkdir(parents=True, exist_ok=True)
        os.link(self.path(blob_id), self.path(twin))
        return twin

    def hold(self, find: Callable[[], list[str]]) -> list[str]:
        """Return the blob ids that `find` looks up, kept on disk until they are released.

        No blob is removed while `find` runs, so what it finds is there.
        """
        with self._lock:
            blob_ids = find()
            self._readers.update(blob_ids)
        return blob_ids

    def release(self, blob_ids: Iterable[str]) -> None:
        """Take back a hold, and remove those that nobody wants any more."""
        with self._lock:
            self._readers.subtract(blob_ids)
            removable = [b for b in blob_ids if self._readers[b] <= 0]
            for blob_id in removable:
                del self._readers[blob_id]
            removable = self._unwanted.intersection(removable)
            self._unwanted -= removable
        self._unlink(removable)

    def remove(self, blob_ids: Iterable[str]) -> None:
        """Remove blobs, each once its last reader is done with it."""
        with self._lock:
            removable = [b for b in blob_ids if not self._readers[b]]
            self._unwanted.update(b for b in blob_ids if self._readers[b])
        self._unlink(removable)

    def remove_all_but(self, wanted: set[str]) -> None:
        """Remove every blob that is not wanted: what a killed server left behind."""
        for folder in self.root.glob("[0-9a-f][0-9a-f]"):
            names = {entry.name for entry in os.scandir(folder)}
            self._unlink(names - wanted)

    def _unlink(self, blob_ids: Iterable[str]) -> None:
        for blob_id in blob_ids:
            try:
                self.path(blob_id).unlink(missing_ok=True)
            except OSError:
                # What led here is done and committed: this is not its failure.
                log.exception("a blob that nobody needs is left until the next start")


class NewBlob:
    """A blob that is being written. Until a row names it, it is nobody's."""

    def __init__(self, blobs: BlobFiles, blob_id: str) -> None:
        self._blobs = blobs
        self.blob_id = blob_id
        path = blobs.path(blob_id)
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = path.open("xb", buffering=0)

    def write(self, pieces: Sequence[bytes]) -> None:
        """Append bytes; at most a thousand pieces."""
        written = os.writev(self._file.fileno(), pieces)
        if written < sum(map(len, pieces)):
            rest = memoryview(b"".join(pieces))[written:]
            while rest:
                rest = rest[self._file.write(rest) :]

    def close(self) -> None:
        """End the writing; the bytes stay."""
        self._file.close()

    def discard(self) -> None:
        """Remove it, written or half-written."""
        self._file.close()
        self._blobs.remove([self.blob_id])
