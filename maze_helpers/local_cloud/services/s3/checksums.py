"""Checksums of objects, as S3 stores and returns them."""

import base64
import hashlib
import zlib
from dataclasses import dataclass


class Crc32:
    """zlib's CRC-32, in hashlib's manner."""

    def __init__(self) -> None:
        self._value = 0

    def update(self, data: bytes) -> None:
        """Take in some more bytes."""
        self._value = zlib.crc32(data, self._value)

    def digest(self) -> bytes:
        """Return the checksum of all the bytes, big-endian."""
        return self._value.to_bytes(4, "big")


HASHES = {"CRC32": Crc32, "SHA1": hashlib.sha1, "SHA256": hashlib.sha256}


@dataclass(frozen=True)
class Checksum:
    """An object's or a part's checksum.

    value: base64, with `-N` after a composite of N parts. type: FULL_OBJECT or COMPOSITE.
    """

    algorithm: str
    value: str
    type: str = "FULL_OBJECT"


class Digests:
    """The MD5 of a body, and the checksum that its client chose."""

    def __init__(self, algorithm: str | None = None) -> None:
        self.size_bytes = 0
        self._algorithm = algorithm
        self._md5 = hashlib.md5(usedforsecurity=False)
        self._checksum = HASHES[algorithm]() if algorithm else None

    def update(self, data: bytes) -> None:
        """Take in some more of the body."""
        self.size_bytes += len(data)
        self._md5.update(data)
        if self._checksum:
            self._checksum.update(data)

    @property
    def md5(self) -> bytes:
        """The MD5 of the body."""
        return self._md5.digest()

    @property
    def checksum(self) -> Checksum | None:
        """The checksum of the body, or None if no algorithm was chosen."""
        if self._checksum is None:
            return None
        value = base64.b64encode(self._checksum.digest()).decode()
        return Checksum(self._algorithm, value)
