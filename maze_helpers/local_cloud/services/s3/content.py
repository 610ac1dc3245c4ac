"""The bytes of an object: those of blob files, one after another."""

import io
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from itertools import accumulate
from typing import BinaryIO

from maze_helpers.local_cloud.services.s3.blobs import BlobFiles


class BlobReader(io.RawIOBase):
    """A readable, seekable file over blobs that are held until it is closed."""

    def __init__(self, blobs: BlobFiles, blob_ids: Sequence[str], sizes: Sequence[int]) -> None:
        """sizes: in bytes, one for each blob."""
        super().__init__()
        self.blob_ids = blob_ids
        self._blobs = blobs
        self._starts = [0, *accumulate(sizes)]
        self._position = 0
        self._open_index = -1
        self._file: BinaryIO | None = None

    def readable(self) -> bool:
        """Return True: it can be read."""
        return True

    def seekable(self) -> bool:
        """Return True: it can be read from anywhere."""
        return True

    def tell(self) -> int:
        """Return the position, in bytes."""
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Return the new position, in bytes."""
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._starts[-1]}
        self._position = max(0, base[whence] + offset)
        return self._position

    def read(self, size: int = -1) -> bytes:
        """Return up to `size` bytes, fewer at the end of a blob; b"" at the end of all."""
        if size < 0:
            return self.readall()
        index = bisect_right(self._starts, self._position) - 1
        if index >= len(self.blob_ids):
            return b""
        self._open(index)
        left = self._starts[index + 1] - self._position
        data = self._file.read(min(size, left))
        self._position += len(data)
        return data

    def readinto(self, buffer: bytearray) -> int:
        """Fill the buffer's beginning and return how many bytes that were."""
        data = self.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)

    def _open(self, index: int) -> None:
        if index != self._open_index:
            if self._file:
                self._file.close()
            self._file = self._blobs.path(self.blob_ids[index]).open("rb", buffering=0)
            self._open_index = index
        self._file.seek(self._position - self._starts[index])

    def close(self) -> None:
        """Release the blobs."""
        if not self.closed:
            if self._file:
                self._file.close()
            self._blobs.release(self.blob_ids)
        super().close()


def read_exactly(reader: BinaryIO, size_bytes: int, chunk_bytes: int) -> Iterator[bytes]:
    """Yield the next bytes of a reader, in chunks. Raises: EOFError, if there are too few."""
    while size_bytes:
        data = reader.read(min(chunk_bytes, size_bytes))
        if not data:
            raise EOFError("a blob is shorter than its row says")
        size_bytes -= len(data)
        yield data
