"""An object's output, put together from the answers to its requests."""

import asyncio
from collections.abc import Callable, Iterable

from maze_helpers.local_cloud.engine.transform.splitting import PIECE_BYTES


class Assembly:
    """Writes the output of one request after another."""

    def __init__(self, write: Callable[[bytes], object], by_line: bool) -> None:
        """by_line: whether a line break ends what each request gives, as AssembleWith Line does."""
        self._write = write
        self._by_line = by_line
        self._waiting = bytearray()

    async def add(self, parts: Iterable[bytes], between: bytes = b"\n") -> None:
        """Append what one request gives, part by part. Others on the loop have their turns.

        One that ends with a line break gets no second one (a guess). Raises: what `write` and
        making a part raise.
        """
        last, separator = b"", b""
        for part in parts:
            self._waiting += separator
            separator = between
            last = part or last
            if len(part) < PIECE_BYTES:
                self._waiting += part
                if len(self._waiting) < PIECE_BYTES:
                    continue
                self.flush()
            else:
                self.flush()
                self._write(part)  # Not copied before.
            await asyncio.sleep(0)
        if self._by_line and not last.endswith(b"\n"):
            self._waiting += b"\n"

    def flush(self) -> None:
        """Write what waits for more."""
        if self._waiting:
            self._write(bytes(self._waiting))
            self._waiting.clear()
