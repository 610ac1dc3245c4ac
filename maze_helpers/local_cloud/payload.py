"""The bodies of signed requests: decoded and verified as they arrive.

`feed` takes bytes as they come and gives the payload's own; `finish` raises unless all that
came is what was signed. Neither waits for anything, so both can run in a worker thread.
"""

import hashlib
import hmac
import re
from collections.abc import Callable

from maze_helpers.local_cloud import sigv4
from maze_helpers.local_cloud.services.s3.body_errors import (
    IncompleteBody,
    MalformedTrailer,
)
from maze_helpers.local_cloud.services.s3.errors import (
    InvalidArgument,
    SignatureDoesNotMatch,
)

MAX_LINE_BYTES = 16 * 1024
TRAILER_SIGNATURE = "x-amz-trailer-signature"

_CHUNK_LINE = re.compile(rb"([0-9a-fA-F]{1,16})(?:;chunk-signature=([0-9a-f]{64}))?")


class PlainBody:
    """A body sent as it is."""

    def __init__(self, check: Callable[[str], None] | None) -> None:
        """check: raises unless the SHA-256 (hexadecimal) is right; None: nothing was signed."""
        self.trailers: dict[str, str] = {}
        self._check = check
        self._sha256 = hashlib.sha256()

    def feed(self, data: bytes) -> bytes:
        """Return the payload in some more of the body."""
        if self._check:
            self._sha256.update(data)
        return data

    def finish(self) -> None:
        """Raise unless the body that came is the one that was signed."""
        if self._check:
            self._check(self._sha256.hexdigest())


class SignatureChain:
    """The signatures of a body's chunks, each made over the one before.

    Source: "Signature Calculations for the Authorization Header: Transferring Payload in
    Multiple Chunks", Amazon S3 API Reference.
    """

    def __init__(self, key: bytes, amz_date: str, scope: str, seed: str) -> None:
        self._key = key
        self._head = f"{amz_date}\n{scope}"
        self._previous = seed
        self._sha256 = hashlib.sha256()

    def update(self, data: bytes) -> None:
        """Take in some of the current chunk."""
        self._sha256.update(data)

    def end_chunk(self, signature: str) -> None:
        """Raise unless the chunk that was taken in carries its right signature."""
        lines = f"{self._previous}\n{sigv4.EMPTY_SHA256}\n{self._sha256.hexdigest()}"
        self._verify(f"{sigv4.ALGORITHM}-PAYLOAD\n{self._head}\n{lines}", signature)
        self._sha256 = hashlib.sha256()

    def end_trailer(self, trailer: bytes, signature: str) -> None:
        """Raise unless the trailer (`name:value\\n` lines) carries its right signature."""
        lines = f"{self._previous}\n{hashlib.sha256(trailer).hexdigest()}"
        self._verify(f"{sigv4.ALGORITHM}-TRAILER\n{self._head}\n{lines}", signature)

    def _verify(self, string_to_sign: str, signature: str) -> None:
        expected = sigv4.sign(self._key, string_to_sign)
        if not hmac.compare_digest(expected.encode(), signature.encode()):
            raise SignatureDoesNotMatch()
        self._previous = expected


class ChunkedBody:
    """A body in `aws-chunked` encoding, its chunks signed or not, with a trailer or not."""

    def __init__(self, length: int, has_trailer: bool, chain: SignatureChain | None) -> None:
        """length: of the payload, without the encoding, in bytes."""
        self.trailers: dict[str, str] = {}
        self._length = length
        self._has_trailer = has_trailer
        self._chain = chain
        self._buffer = bytearray()
        self._chunk_left = 0
        self._signature = ""
        self._trailer_lines = b""
        self._step = self._read_chunk_line

    def feed(self, data: bytes) -> bytes:
        """Return the payload in some more of the body."""
        self._buffer += data
        payload = bytearray()
        while self._step(payload):
            pass
        self._length -= len(payload)
        if self._length < 0:
            raise IncompleteBody()
        return bytes(payload)

    def finish(self) -> None:
        """Raise unless the body is whole and every signature in it was right."""
        if self._step == self._read_trailer and not self._buffer:
            # Some clients leave out the empty line that ends the body.
            self._end_trailer()
        if self._step != self._read_nothing or self._buffer or self._length:
            raise IncompleteBody()

    def _line(self) -> bytes | None:
        end = self._buffer.find(b"\r\n")
        if end < 0 and len(self._buffer) > MAX_LINE_BYTES:
            raise IncompleteBody()
        if end < 0:
            return None
        line = bytes(self._buffer[:end])
        del self._buffer[: end + 2]
        return line

    def _read_chunk_line(self, _payload: bytearray) -> bool:
        line = self._line()
        if line is None:
            return False
        match = _CHUNK_LINE.fullmatch(line)
        if match is None or (match[2] is None) is (self._chain is not None):
            raise IncompleteBody("The request's body is not in aws-chunked encoding.")
        self._chunk_left = int(match[1], 16)
        self._signature = match[2].decode() if match[2] else ""
        if self._chunk_left:
            self._step = self._read_data
        else:
            self._end_chunk()
            self._step = self._read_trailer
        return True

    def _read_data(self, payload: bytearray) -> bool:
        data = bytes(self._buffer[: self._chunk_left])
        del self._buffer[: len(data)]
        if self._chain:
            self._chain.update(data)
        payload += data
        self._chunk_left -= len(data)
        if self._chunk_left == 0:
            self._step = self._read_chunk_end
        return self._chunk_left == 0

    def _read_chunk_end(self, _payload: bytearray) -> bool:
        if len(self._buffer) < 2:
            return False
        if self._buffer[:2] != b"\r\n":
            raise IncompleteBody("The request's body is not in aws-chunked encoding.")
        del self._buffer[:2]
        self._end_chunk()
        self._step = self._read_chunk_line
        return True

    def _end_chunk(self) -> None:
        if self._chain:
            self._chain.end_chunk(self._signature)

    def _read_trailer(self, _payload: bytearray) -> bool:
        line = self._line()
        if line is None:
            return False
        if not line:
            self._end_trailer()
            return False
        name, colon, value = line.partition(b":")
        if not colon or not self._has_trailer or len(self._trailer_lines) > MAX_LINE_BYTES:
            raise MalformedTrailer()
        try:
            decoded_name, decoded_value = name.decode("ascii").lower(), value.strip().decode()
        except UnicodeDecodeError:
            raise MalformedTrailer() from None
        self.trailers[decoded_name] = decoded_value
        if decoded_name != TRAILER_SIGNATURE:
            self._trailer_lines += f"{decoded_name}:{decoded_value}\n".encode()
        return True

    def _end_trailer(self) -> None:
        signature = self.trailers.pop(TRAILER_SIGNATURE, "")
        if self._chain and self._has_trailer:
            self._chain.end_trailer(self._trailer_lines, signature)
        self._step = self._read_nothing

    def _read_nothing(self, _payload: bytearray) -> bool:
        return False


def decoded_length(header: str) -> int:
    """Return the length that x-amz-decoded-content-length states, in bytes."""
    if not header.isascii() or not header.isdigit():
        raise InvalidArgument("The value of x-amz-decoded-content-length is not a number.")
    return int(header)
