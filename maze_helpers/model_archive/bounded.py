"""Reading what nobody vouches for: never more in one go, or altogether, than a bound allows."""

import io
from typing import BinaryIO

LONGEST_READ_BYTES = 64 * 1024**2
LONGEST_LINE_BYTES = 1024**2


class TooMuchError(Exception):
    """There is more than will be read."""


class BoundedReader(io.RawIOBase):
    """A file that refuses to be read at once, or behind a place, beyond a bound.

    What parses archives and pickles believes the lengths they state; this does not.
    """

    def __init__(self, file: BinaryIO, last_byte: int) -> None:
        self._file = file
        self._last_byte = last_byte

    def readable(self) -> bool:
        """Return True."""
        return True

    def seekable(self) -> bool:
        """Return True."""
        return True

    def read(self, size: int = -1) -> bytes:
        """Return so many bytes, or fewer at the end. Raises: TooMuchError."""
        if size > LONGEST_READ_BYTES:
            raise TooMuchError(f"{size} bytes in one piece")
        if self._file.tell() > self._last_byte:
            raise TooMuchError(f"more than {self._last_byte} bytes")
        if size >= 0:
            return self._file.read(size)
        content = self._file.read(LONGEST_READ_BYTES + 1)
        if len(content) > LONGEST_READ_BYTES:
            raise TooMuchError(f"more than {LONGEST_READ_BYTES} bytes in one piece")
        return content

    def readline(self, size: int | None = -1) -> bytes:
        """Return a line, or the beginning of a very long one."""
        return self._file.readline(LONGEST_LINE_BYTES)

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Move, and return the new place. Raises: TooMuchError, before reading up to it."""
        target = offset + (self._file.tell() if whence == io.SEEK_CUR else 0)
        if whence != io.SEEK_END and target > self._last_byte:
            raise TooMuchError(f"more than {self._last_byte} bytes")
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        """Return the place."""
        return self._file.tell()
