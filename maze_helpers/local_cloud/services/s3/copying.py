"""Copies of stored bytes, whole or in part."""

from typing import BinaryIO
from urllib.parse import unquote

from maze_helpers.local_cloud.services.s3.blobs import BlobFiles
from maze_helpers.local_cloud.services.s3.checksums import FULL_OBJECT
from maze_helpers.local_cloud.services.s3.content import BlobReader, read_exactly
from maze_helpers.local_cloud.services.s3.errors import (
    InvalidArgument,
    InvalidRequest,
    NoSuchVersion,
    NotImplementedHere,
)
from maze_helpers.local_cloud.services.s3.new_content import SMALL_BYTES, NewContent, Written
from maze_helpers.local_cloud.services.s3.objects import CHUNK_BYTES, StoredObject

MAX_COPY_BYTES = 5 * 1024**3


def read_source(header: str) -> tuple[str, str]:
    """Return the bucket and the key that x-amz-copy-source names.

    Example: '/bucket/a%20key?versionId=null' gives ('bucket', 'a key').
    Raises: InvalidArgument, NoSuchVersion, NotImplementedHere.
    """
    path, _, version = header.partition("?versionId=")
    bucket, _, key = unquote(path).removeprefix("/").partition("/")
    if bucket.startswith("arn:"):
        raise NotImplementedHere("The local cloud does not implement access points.")
    if not bucket or not key:
        raise InvalidArgument(
            "Copy Source must mention the source bucket and key: sourcebucket/sourcekey",
            ArgumentName="x-amz-copy-source",
            ArgumentValue=header,
        )
    if version not in ("", "null"):
        raise NoSuchVersion(Key=key, VersionId=version)
    return bucket, key


def copy_whole(blobs: BlobFiles, stored: StoredObject, algorithm: str | None) -> Written:
    """Return a copy of an object's bytes. algorithm: of its checksum; None for the source's.

    Raises: InvalidRequest, if it is larger than 5 GiB.
    """
    info, checksum = stored.info, stored.info.attributes.checksum
    if info.size_bytes > MAX_COPY_BYTES:
        raise InvalidRequest(
            "The specified copy source is larger than the maximum allowable size for a copy "
            f"source: {MAX_COPY_BYTES}"
        )
    wanted = algorithm or (checksum.algorithm if checksum else None)
    known = checksum.algorithm if checksum and checksum.type == FULL_OBJECT else None
    # An object that was uploaded in parts gets an ETag and a checksum of its own.
    if wanted == known and stored.part_sizes is None and isinstance(stored.reader, BlobReader):
        try:
            twin = blobs.link(stored.reader.blob_ids[0])
        except OSError:
            return copy_span(blobs, stored.reader, range(info.size_bytes), wanted)
        return Written(info.size_bytes, info.etag, checksum, twin, None)
    return copy_span(blobs, stored.reader, range(info.size_bytes), wanted)


def copy_span(
    blobs: BlobFiles,
    reader: BinaryIO,
    span: range,
    algorithm: str | None,
    small_bytes: int = SMALL_BYTES,
) -> Written:
    """Return a copy of some of an object's bytes."""
    content = NewContent(blobs, algorithm, small_bytes)
    try:
        reader.seek(span.start)
        for data in read_exactly(reader, len(span), CHUNK_BYTES):
            content.write(data)
        return content.close()
    except BaseException:
        content.discard()
        raise
