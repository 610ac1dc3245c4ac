"""Checksums of objects, as clients state them and S3 stores and returns them.

Source: "Checking object integrity in Amazon S3", Amazon S3 User Guide.
"""

import base64
import binascii
import hashlib
import zlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from maze_helpers.local_cloud.services.s3.body_errors import (
    BadDigest,
    InvalidDigest,
    MalformedTrailer,
)
from maze_helpers.local_cloud.services.s3.crc import (
    CRC32_POLYNOMIAL,
    CRC32C_POLYNOMIAL,
    CRC64NVME_POLYNOMIAL,
    Crc,
    combine,
)
from maze_helpers.local_cloud.services.s3.errors import (
    InvalidRequest,
    NotImplementedHere,
)

FULL_OBJECT = "FULL_OBJECT"
COMPOSITE = "COMPOSITE"
HEADER = "x-amz-checksum-"
# Names that begin as a checksum's header, and say something about checksums instead.
NOT_VALUES = {"x-amz-checksum-algorithm", "x-amz-checksum-mode", "x-amz-checksum-type"}


class Hash(Protocol):
    """What hashlib's hashes can do."""

    def update(self, data: bytes) -> None:
        """Take in some more bytes."""

    def digest(self) -> bytes:
        """Return the digest of all the bytes."""


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


@dataclass(frozen=True)
class Algorithm:
    """A checksum algorithm. polynomial: of a CRC, which alone can be joined part by part."""

    name: str
    new: Callable[[], Hash]
    size_bytes: int
    polynomial: int | None = None

    @property
    def member(self) -> str:
        """The name of its value in requests and results, such as ChecksumCRC32."""
        return f"Checksum{self.name}"

    @property
    def header(self) -> str:
        """The name of its value as a header, such as x-amz-checksum-crc32."""
        return HEADER + self.name.lower()

    @property
    def default_type(self) -> str:
        """How an upload's checksum is made of its parts' unless the client chooses."""
        return FULL_OBJECT if self.name == "CRC64NVME" else COMPOSITE


ALGORITHMS = {
    algorithm.name: algorithm
    for algorithm in (
        Algorithm("CRC32", Crc32, 4, CRC32_POLYNOMIAL),
        Algorithm("CRC32C", lambda: Crc(32, CRC32C_POLYNOMIAL), 4, CRC32C_POLYNOMIAL),
        Algorithm("CRC64NVME", lambda: Crc(64, CRC64NVME_POLYNOMIAL), 8, CRC64NVME_POLYNOMIAL),
        Algorithm("SHA1", hashlib.sha1, 20),
        Algorithm("SHA256", hashlib.sha256, 32),
        Algorithm("SHA512", hashlib.sha512, 64),
        Algorithm("MD5", hashlib.md5, 16),
    )
}


@dataclass(frozen=True)
class Checksum:
    """An object's or a part's checksum.

    value: base64, with `-N` after a composite of N parts. type: FULL_OBJECT or COMPOSITE.
    """

    algorithm: str
    value: str
    type: str = FULL_OBJECT

    def members(self) -> dict[str, str]:
        """Return it as requests and results have it."""
        return {ALGORITHMS[self.algorithm].member: self.value}


class Digests:
    """The length and MD5 of a body, and the checksum that its client chose."""

    def __init__(self, algorithm: str | None = None) -> None:
        self.size_bytes = 0
        self._algorithm = algorithm
        self._md5 = hashlib.md5(usedforsecurity=False)
        self._checksum = ALGORITHMS[algorithm].new() if algorithm else None

    def update(self, data: bytes) -> None:
        """Take in some more of the body."""
        self.update_all_but_md5(data)
        self.update_md5([data])

    def update_md5(self, pieces: Iterable[bytes]) -> None:
        """Take in some more for the MD5, which takes longer than all else about a body."""
        for data in pieces:
            self._md5.update(data)

    def update_all_but_md5(self, data: bytes) -> None:
        """Take in some more for the length and the checksum."""
        self.size_bytes += len(data)
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
        return Checksum(self._algorithm, base64.b64encode(self._checksum.digest()).decode())


@dataclass(frozen=True)
class Stated:
    """What a request's headers say of its body.

    algorithm: of the checksum, or None. value: base64; None while a trailer is to bring it.
    """

    md5: bytes | None
    algorithm: str | None
    value: str | None

    def check(self, digests: Digests, trailers: Mapping[str, str]) -> None:
        """Raise BadDigest unless the body has the digests that were stated."""
        if self.md5 is not None and self.md5 != digests.md5:
            raise BadDigest(
                ExpectedDigest=base64.b64encode(self.md5).decode(),
                CalculatedDigest=base64.b64encode(digests.md5).decode(),
            )
        if self.algorithm is None:
            return
        algorithm = ALGORITHMS[self.algorithm]
        value = self.value or trailers.get(algorithm.header)
        if value is None:
            raise MalformedTrailer()
        if _decoded(value, algorithm.header, algorithm.size_bytes) != _decoded(
            digests.checksum.value, algorithm.header, algorithm.size_bytes
        ):
            raise BadDigest(
                f"The {algorithm.name} you specified did not match the calculated checksum."
            )


def stated(headers: Mapping[str, str]) -> Stated:
    """Return what the headers (by lower-case names) say of the body's digests.

    Raises: InvalidDigest, InvalidRequest, NotImplementedHere.
    """
    md5 = None
    if (content_md5 := headers.get("content-md5")) is not None:
        try:
            md5 = base64.b64decode(content_md5, validate=True)
        except binascii.Error:
            raise InvalidDigest() from None
        if len(md5) != 16:
            raise InvalidDigest()
    values = {
        name: value
        for name, value in headers.items()
        if name.startswith(HEADER) and name not in NOT_VALUES
    }
    if len(values) > 1:
        raise InvalidRequest(
            "Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed."
        )
    if values:
        [(header, value)] = values.items()
        algorithm = algorithm_of(header.removeprefix(HEADER))
        _decoded(value, header, algorithm.size_bytes)
        return Stated(md5, algorithm.name, value)
    trailer = headers.get("x-amz-trailer", "").strip().lower()
    if trailer.startswith(HEADER):
        return Stated(md5, algorithm_of(trailer.removeprefix(HEADER)).name, None)
    if trailer:
        raise InvalidRequest("The value specified in the x-amz-trailer header is not supported")
    if "x-amz-sdk-checksum-algorithm" in headers and md5 is None:
        raise InvalidRequest(
            "x-amz-sdk-checksum-algorithm specified, but no corresponding x-amz-checksum-* or "
            "x-amz-trailer headers were found."
        )
    return Stated(md5, None, None)


def algorithm_of(name: str) -> Algorithm:
    """Return the algorithm of a name. Raises: InvalidRequest, NotImplementedHere."""
    algorithm = ALGORITHMS.get(name.upper())
    if algorithm:
        return algorithm
    if name.upper().startswith("XXHASH"):
        raise NotImplementedHere(f"The local cloud does not implement {name.upper()} checksums.")
    raise InvalidRequest(
        "Checksum algorithm provided is unsupported. Please try again with any of the valid "
        f"types: [{', '.join(ALGORITHMS)}]"
    )


def of_parts(parts: Sequence[tuple[Checksum, int]], checksum_type: str) -> Checksum:
    """Return an object's checksum, made of its parts' and their sizes in bytes."""
    algorithm = ALGORITHMS[parts[0][0].algorithm]
    digests = [base64.b64decode(checksum.value) for checksum, _ in parts]
    if checksum_type == FULL_OBJECT:
        joined = digests[0]
        for digest, (_, size_bytes) in zip(digests[1:], parts[1:], strict=True):
            joined = combine(joined, digest, size_bytes, algorithm.polynomial)
        return Checksum(algorithm.name, base64.b64encode(joined).decode())
    whole = algorithm.new()
    whole.update(b"".join(digests))
    value = f"{base64.b64encode(whole.digest()).decode()}-{len(parts)}"
    return Checksum(algorithm.name, value, COMPOSITE)


def _decoded(value: str, header: str, size_bytes: int) -> bytes:
    try:
        digest = base64.b64decode(value, validate=True)
    except binascii.Error:
        digest = b""
    if len(digest) != size_bytes:
        raise InvalidRequest(f"Value for {header} header is invalid.")
    return digest
