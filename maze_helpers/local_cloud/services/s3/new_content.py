"""The bytes of an object or a part that is being written."""

from collections.abc import Sequence
from dataclasses import dataclass

from maze_helpers.local_cloud.services.s3.blobs import BlobFiles, NewBlob
from maze_helpers.local_cloud.services.s3.checksums import Checksum, Digests

# Up to here an object lives in its row: one write instead of a file's three.
SMALL_BYTES = 16 * 1024


@dataclass(frozen=True)
class Written:
    """Bytes that are on the disk, or small, and that no row names yet.

    etag: the MD5, in hexadecimal. small: None where there is a blob.
    """

    size_bytes: int
    etag: str
    checksum: Checksum | None
    blob_id: str | None
    small: bytes | None


class NewContent:
    """Bytes on their way to the disk, with their digests."""

    def __init__(
        self, blobs: BlobFiles, algorithm: str | None = None, small_bytes: int = SMALL_BYTES
    ) -> None:
        """algorithm: of the checksum to make besides the MD5. small_bytes: held without a blob."""
        self.digests = Digests(algorithm)
        self._blobs = blobs
        self._small_bytes = small_bytes
        self._small = b""
        self._blob: NewBlob | None = None

    def write(self, data: bytes) -> None:
        """Append bytes, and take them into the digests."""
        self.digests.update(data)
        self.store([data])

    def store(self, pieces: Sequence[bytes]) -> None:
        """Append bytes that the digests are told of elsewhere."""
        size_bytes = len(self._small) + sum(map(len, pieces))
        if self._blob is None and size_bytes <= self._small_bytes:
            self._small = b"".join([self._small, *pieces])
        else:
            self._new_blob().write(pieces)

    def close(self) -> Written:
        """Return what was written."""
        if self._small_bytes == 0:
            self._new_blob()
        if self._blob:
            self._blob.close()
        return Written(
            size_bytes=self.digests.size_bytes,
            etag=self.digests.md5.hex(),
            checksum=self.digests.checksum,
            blob_id=self._blob.blob_id if self._blob else None,
            small=None if self._blob else self._small,
        )

    def discard(self) -> None:
        """Leave nothing behind."""
        if self._blob:
            self._blob.discard()

    def _new_blob(self) -> NewBlob:
        if self._blob is None:
            self._blob = self._blobs.create()
            self._blob.write([self._small])
        return self._blob
