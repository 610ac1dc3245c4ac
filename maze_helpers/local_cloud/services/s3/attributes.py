"""What a client says of an object besides its bytes: read from a request, shown in answers."""

from collections.abc import Mapping
from typing import Any

from maze_helpers.local_cloud.services.s3.call import Call
from maze_helpers.local_cloud.services.s3.checksums import Checksum
from maze_helpers.local_cloud.services.s3.errors import (
    AccessControlListNotSupported,
    InvalidArgument,
    InvalidStorageClass,
    MetadataTooLarge,
    NotImplementedHere,
)
from maze_helpers.local_cloud.services.s3.schema import Attributes, ObjectInfo

MAX_METADATA_BYTES = 2 * 1024
DEFAULT_TYPE = "binary/octet-stream"
SSE = "x-amz-server-side-encryption"
CONTENT_HEADERS = (
    "cache-control",
    "content-disposition",
    "content-encoding",
    "content-language",
    "content-type",
    "expires",
)
# Differs from AWS: encryption is noted and reported, but the bytes stay as they are.
KEPT_HEADERS = (
    *CONTENT_HEADERS,
    SSE,
    f"{SSE}-aws-kms-key-id",
    f"{SSE}-bucket-key-enabled",
    "x-amz-website-redirect-location",
)
ENCRYPTIONS = {"AES256", "aws:kms", "aws:kms:dsse"}
STORAGE_CLASSES = {
    "STANDARD",
    "REDUCED_REDUNDANCY",
    "STANDARD_IA",
    "ONEZONE_IA",
    "INTELLIGENT_TIERING",
    "GLACIER_IR",
}
# Objects in these have to be restored before they can be read.
ARCHIVES = {"GLACIER", "DEEP_ARCHIVE"}
# What the ACL of an object in a bucket without ACLs, today's default, may say.
OWNERS_ACLS = {"private", "bucket-owner-full-control"}


def read(call: Call, checksum: Checksum | None = None) -> Attributes:
    """Return the attributes in a request's headers. Raises: S3Error, if one is not valid."""
    headers = {name: call.headers[name] for name in KEPT_HEADERS if name in call.headers}
    encodings = [part.strip() for part in headers.pop("content-encoding", "").split(",")]
    if kept := ",".join(part for part in encodings if part not in ("", "aws-chunked")):
        headers["content-encoding"] = kept
    if headers.get(SSE, "AES256") not in ENCRYPTIONS:
        raise InvalidArgument(
            "The encryption method specified is not supported",
            ArgumentName=SSE,
            ArgumentValue=headers[SSE],
        )
    _check_acl(call.parameters)
    metadata = call.parameters.get("Metadata", {})
    size_bytes = sum(len(name) + len(value) for name, value in metadata.items())
    if size_bytes > MAX_METADATA_BYTES:
        raise MetadataTooLarge(Size=size_bytes, MaxSizeAllowed=MAX_METADATA_BYTES)
    return Attributes(
        headers=headers,
        metadata=metadata,
        storage_class=_storage_class(call.parameters),
        checksum=checksum,
    )


def _storage_class(parameters: Mapping[str, Any]) -> str:
    storage_class = parameters.get("StorageClass", "STANDARD")
    if storage_class in ARCHIVES:
        raise NotImplementedHere(
            f"The local cloud does not implement the storage class {storage_class}."
        )
    if storage_class not in STORAGE_CLASSES:
        raise InvalidStorageClass(StorageClassRequested=storage_class)
    return storage_class


def _check_acl(parameters: Mapping[str, Any]) -> None:
    grants = [name for name in parameters if name.startswith("Grant")]
    if grants or parameters.get("ACL", "private") not in OWNERS_ACLS:
        raise AccessControlListNotSupported()


def encryption(info: Attributes) -> dict[str, str]:
    """Return the headers that say how the object is encrypted."""
    headers = {name: value for name, value in info.headers.items() if name.startswith(SSE)}
    return {SSE: "AES256"} | headers


def shown(info: ObjectInfo) -> dict[str, str]:
    """Return the headers that describe an object to who reads it."""
    attributes = info.attributes
    headers = {"content-type": DEFAULT_TYPE} | dict(attributes.headers) | encryption(attributes)
    for name, value in attributes.metadata.items():
        headers[f"x-amz-meta-{name}"] = value
    if attributes.storage_class != "STANDARD":
        headers["x-amz-storage-class"] = attributes.storage_class
    if info.tags:
        headers["x-amz-tagging-count"] = str(len(info.tags))
    return headers
