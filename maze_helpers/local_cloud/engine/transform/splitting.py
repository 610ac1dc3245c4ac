"""An object's bytes taken apart into records, and records put together into payloads."""

import gzip
import re
import zlib
from collections.abc import Iterable, Iterator
from typing import NamedTuple

# AWS's MB, of a payload.
MEGABYTE = 2**20
PIECE_BYTES = 256 * 1024
# The end of a line, and the empty lines behind it.
_LINE_ENDS = re.compile(rb"(?:\r*\n)+")


class TooLarge(Exception):
    """A record does not go into one payload, or not into memory."""


class Batch(NamedTuple):
    """What goes into one request.

    payload: a line for each record, as the model is to have it. originals: the same records as
    they came, empty where nobody asks for them.
    """

    payload: bytes
    originals: bytes
    n_records: int


def decompressed(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Yield what a gzip stream holds, of one member or several.

    Raises: gzip.BadGzipFile; EOFError, if it ends too early.
    """
    inflater, begun, is_first = _inflater(), False, True
    for chunk in chunks:
        while chunk := chunk if begun or is_first else chunk.lstrip(b"\0"):
            begun = True
            try:
                data = inflater.decompress(chunk, MEGABYTE)
            except zlib.error as error:
                raise gzip.BadGzipFile(str(error)) from error
            if data:
                yield data
            if inflater.eof:
                # Zeros may pad a member; another may follow it.
                chunk = inflater.unused_data
                inflater, begun, is_first = _inflater(), False, False
            else:
                chunk = inflater.unconsumed_tail
    if begun:
        raise EOFError("the gzip stream ends too early")


def lines(chunks: Iterable[bytes], most_bytes: int | None) -> Iterator[bytes]:
    """Yield the lines of a stream, without their ends ("\\n" or "\\r\\n"), but for empty ones.

    most_bytes: of a line that goes over several chunks, None for any. Raises: TooLarge.
    """
    begun: list[bytes] = []
    n_begun = 0
    for chunk in chunks:
        *whole, rest = chunk.split(b"\n")
        for line in whole:
            if begun:
                line, begun, n_begun = b"".join([*begun, line]), [], 0
            if line := line.rstrip(b"\r"):
                yield line
        if rest:
            begun.append(rest)
            n_begun += len(rest)
            # A carriage return may be its last.
            if most_bytes is not None and n_begun > most_bytes + 1:
                raise TooLarge
    if line := b"".join(begun).rstrip(b"\r"):
        yield line


def pieces(data: bytes) -> Iterator[bytes]:
    """Yield bytes piece by piece: what is made of them needs less memory at a time."""
    for start in range(0, len(data), PIECE_BYTES):
        yield data[start : start + PIECE_BYTES]


def gathered(parts: Iterable[bytes]) -> Iterator[bytes]:
    """Yield many small parts as larger pieces."""
    piece = bytearray()
    for part in parts:
        piece += part
        if len(piece) >= PIECE_BYTES:
            yield bytes(piece)
            piece.clear()
    if piece:
        yield bytes(piece)


def batches(
    records: Iterable[tuple[bytes, bytes]], most_bytes: int | None, most_records: int | None
) -> Iterator[Batch]:
    """Yield batches of records, each (what goes to the model, what is kept), as large as may be.

    most_bytes: of a payload, None for any. Raises: TooLarge, for a record that does not fit.
    """
    payload, originals, n_records = bytearray(), bytearray(), 0
    for record, original in records:
        if n_records and (
            n_records == most_records
            or (most_bytes is not None and len(payload) + 1 + len(record) > most_bytes)
        ):
            yield Batch(bytes(payload), bytes(originals), n_records)
            payload, originals, n_records = bytearray(), bytearray(), 0
        if most_bytes is not None and len(record) > most_bytes:
            raise TooLarge
        if n_records:
            payload += b"\n"
        if n_records and original:
            originals += b"\n"
        payload += record
        originals += original
        n_records += 1
    if n_records:
        yield Batch(bytes(payload), bytes(originals), n_records)


def blocks(chunks: Iterable[bytes], most_bytes: int) -> Iterator[Batch]:
    """Yield what `batches` makes of a stream's `lines`, without a look at each line.

    most_bytes: of a payload. Raises: TooLarge, for a line that does not fit.
    """
    waiting, begun = bytearray(), bytearray()
    for chunk in chunks:
        end = chunk.rfind(b"\n") + 1
        begun += chunk[:end]
        if end:
            waiting += _tidied(begun)
            begun = bytearray()
        begun += chunk[end:]
        # A carriage return may be its last.
        if len(begun) > most_bytes + 1:
            raise TooLarge
        while len(waiting) > most_bytes + 1:
            yield _cut(waiting, most_bytes)
    begun += b"\n"
    waiting += _tidied(begun)
    while waiting:
        yield _cut(waiting, most_bytes)


def _tidied(whole_lines: bytearray) -> bytes | bytearray:
    """Return lines with "\n" at their ends, without empty ones. All of them have an end."""
    if b"\r" in whole_lines or b"\n\n" in whole_lines:
        whole_lines = _LINE_ENDS.sub(b"\n", whole_lines)
    return whole_lines.removeprefix(b"\n")


def _cut(waiting: bytearray, most_bytes: int) -> Batch:
    """Take as many lines away as fit. Raises: TooLarge."""
    end = waiting.rfind(b"\n", 0, most_bytes + 1)
    if end < 0:
        raise TooLarge
    payload = bytes(memoryview(waiting)[:end])
    del waiting[: end + 1]
    return Batch(payload, b"", payload.count(b"\n") + 1)


def _inflater() -> "zlib._Decompress":
    return zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
