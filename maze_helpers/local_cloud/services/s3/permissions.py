"""What S3's operations ask of policies.

Source: Amazon S3 API Reference, "Required permissions for Amazon S3 API operations".
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from maze_helpers.local_cloud.access.guard import request_keys
from maze_helpers.local_cloud.services.s3 import tags
from maze_helpers.local_cloud.services.s3.authorization import S3Authorization
from maze_helpers.local_cloud.services.s3.buckets import Buckets
from maze_helpers.local_cloud.services.s3.call import Call
from maze_helpers.local_cloud.services.s3.copying import read_source
from maze_helpers.local_cloud.services.s3.errors import NoSuchKey

# Where an action is not called as its operation is.
_ACTIONS = {
    "AbortMultipartUpload": ("AbortMultipartUpload",),
    "CompleteMultipartUpload": ("PutObject",),
    "CopyObject": ("PutObject",),
    "CreateMultipartUpload": ("PutObject",),
    "DeleteBucketTagging": ("PutBucketTagging",),
    # Each of its keys is asked about when it is deleted.
    "DeleteObjects": (),
    "GetObjectAttributes": ("GetObject", "GetObjectAttributes"),
    "HeadBucket": ("ListBucket",),
    "HeadObject": ("GetObject",),
    "ListBuckets": ("ListAllMyBuckets",),
    "ListMultipartUploads": ("ListBucketMultipartUploads",),
    "ListObjectVersions": ("ListBucketVersions",),
    "ListObjects": ("ListBucket",),
    "ListObjectsV2": ("ListBucket",),
    "ListParts": ("ListMultipartUploadParts",),
    "UploadPart": ("PutObject",),
    "UploadPartCopy": ("PutObject",),
}
# These have a twin each for what names a version.
_VERSIONED = {
    "DeleteObject": "DeleteObjectVersion",
    "DeleteObjectTagging": "DeleteObjectVersionTagging",
    "GetObject": "GetObjectVersion",
    "GetObjectAttributes": "GetObjectVersionAttributes",
    "GetObjectTagging": "GetObjectVersionTagging",
    "PutObjectTagging": "PutObjectVersionTagging",
}
_WITHOUT_BUCKET = ("CreateBucket", "ListBuckets")
# Condition keys, by the parameters that they have the values of.
_KEYS = {
    "s3:delimiter": "Delimiter",
    "s3:max-keys": "MaxKeys",
    "s3:prefix": "Prefix",
    "s3:versionid": "VersionId",
    "s3:x-amz-acl": "ACL",
    "s3:x-amz-copy-source": "CopySource",
    "s3:x-amz-metadata-directive": "MetadataDirective",
    "s3:x-amz-server-side-encryption": "ServerSideEncryption",
    "s3:x-amz-storage-class": "StorageClass",
}


class _Need(NamedTuple):
    """An action on a bucket, or on one of its objects."""

    action: str
    bucket: str
    key: str | None


class Permissions:
    """Asks whether callers may make their calls."""

    def __init__(self, authorization: S3Authorization, buckets: Buckets) -> None:
        self._authorization = authorization
        self._buckets = buckets

    def is_quick(self, call: Call) -> bool:
        """Return whether `check` answers at once."""
        return self._authorization.general.is_quick(call.signed.caller)

    def check(self, call: Call) -> None:
        """Raise AccessDenied unless the caller may make a call; NoSuchBucket comes first."""
        if call.signed.caller.is_administrator:
            return
        if call.model.name not in _WITHOUT_BUCKET:
            self._buckets.require(call.bucket)
        keys = _condition_keys(call)
        for need in self._needs(call):
            action = f"s3:{need.action}"
            self._authorization.require(call.signed.caller, action, need.bucket, need.key, keys)

    def check_deletion(self, call: Call, key: str) -> None:
        """Raise AccessDenied unless the caller may delete one of DeleteObjects' objects."""
        caller, keys = call.signed.caller, request_keys(call.request)
        self._authorization.require(caller, "s3:DeleteObject", call.bucket, key, keys)

    def of_missing_key(self, call: Call, error: NoSuchKey) -> Exception:
        """Return what the caller is told of an object that is not there."""
        bucket = call.bucket
        if source := call.parameters.get("CopySource"):
            bucket, _ = read_source(source)
        return self._authorization.of_missing_key(call.signed.caller, bucket, error)

    def _needs(self, call: Call) -> Iterator[_Need]:
        name, parameters = call.model.name, call.parameters
        bucket, key = parameters.get("Bucket", "*"), parameters.get("Key")
        for action in _ACTIONS.get(name, (name,)):
            named = "VersionId" in parameters
            yield _Need(_VERSIONED.get(action, action) if named else action, bucket, key)
        if parameters.get("Tagging") and name != "PutObjectTagging" and key is not None:
            yield _Need("PutObjectTagging", bucket, key)
        if "ACL" in parameters and key is not None:
            yield _Need("PutObjectAcl", bucket, key)
        if "CopySource" in parameters:
            yield from self._needs_of_copy(call)

    def _needs_of_copy(self, call: Call) -> Iterator[_Need]:
        source = read_source(call.parameters["CopySource"])
        yield _Need("GetObject", *source)
        copies_tags = call.parameters.get("TaggingDirective", "COPY") == "COPY"
        if call.model.name == "CopyObject" and copies_tags and self._authorization.tags(*source):
            yield _Need("GetObjectTagging", *source)
            yield _Need("PutObjectTagging", call.bucket, call.key)


def _condition_keys(call: Call) -> dict[str, Any]:
    parameters = call.parameters
    keys = dict(request_keys(call.request))
    keys |= {key: str(parameters[name]) for key, name in _KEYS.items() if name in parameters}
    keys["s3:authType"] = "REST-HEADER" if "authorization" in call.headers else "REST-QUERY-STRING"
    keys["s3:signatureversion"] = "AWS4-HMAC-SHA256"
    if isinstance(given := parameters.get("Tagging"), str):
        by_key = tags.from_header(given)
        keys |= {"s3:RequestObjectTag/": by_key, "s3:RequestObjectTagKeys": list(by_key)}
    return keys
