"""The operations on objects that move no bytes between client and server."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from maze_helpers.local_cloud.cloud import LocalCloud
from maze_helpers.local_cloud.errors import AWSError
from maze_helpers.local_cloud.services.s3 import attributes, checksums, conditions, tags
from maze_helpers.local_cloud.services.s3.body_errors import (
    MalformedXML,
)
from maze_helpers.local_cloud.services.s3.call import Call
from maze_helpers.local_cloud.services.s3.copying import copy_whole, read_source
from maze_helpers.local_cloud.services.s3.errors import (
    InvalidArgument,
    InvalidRequest,
    KeyTooLongError,
    NoSuchVersion,
    NotImplementedHere,
)
from maze_helpers.local_cloud.services.s3.permissions import Permissions
from maze_helpers.local_cloud.services.s3.schema import MAX_KEY_BYTES, Attributes, ObjectInfo

MAX_DELETED = 1000
DIRECTIVES = {"COPY", "REPLACE"}
# Copying an object onto itself has to change something, and a storage class is enough.
CHANGES = {"StorageClass", "ServerSideEncryption", "WebsiteRedirectLocation"}


class ObjectOperations:
    """CopyObject, DeleteObject, DeleteObjects, and an object's tags."""

    def __init__(self, cloud: LocalCloud, permissions: Permissions) -> None:
        self._objects = cloud.objects
        self._permissions = permissions
        self.operations = {
            "CopyObject": self.copy_object,
            "DeleteObject": self.delete_object,
            "DeleteObjects": self.delete_objects,
            "GetObjectTagging": self.get_object_tagging,
            "PutObjectTagging": self.put_object_tagging,
            "DeleteObjectTagging": self.delete_object_tagging,
        }

    def copy_object(self, call: Call) -> dict[str, Any]:
        """Return what the copy is, once it is there."""
        parameters = call.parameters
        self._objects.buckets.require(call.bucket)
        bucket, key = read_source(parameters["CopySource"])
        replaces = _directive(parameters, "MetadataDirective") == "REPLACE"
        if (bucket, key) == (call.bucket, call.key) and not replaces:
            if not CHANGES & set(parameters):
                raise InvalidRequest(
                    "This copy request is illegal because it is trying to copy an object to "
                    "itself without changing the object's metadata, storage class, website "
                    "redirect location or encryption attributes."
                )
        algorithm = parameters.get("ChecksumAlgorithm")
        wanted = checksums.algorithm_of(algorithm).name if algorithm else None
        asked = attributes.read(call)
        object_tags = tags.from_header(parameters.get("Tagging"))
        condition = conditions.write_condition(parameters)
        stored = self._objects.read(bucket, key)
        with stored.reader:
            conditions.check_copy_source(stored.info, parameters)
            written = copy_whole(self._objects.blobs, stored, wanted)
        if _directive(parameters, "TaggingDirective") == "COPY":
            object_tags = stored.info.tags
        kept = asked if replaces else _inherited(stored.info.attributes, asked)
        try:
            info = self._objects.put(call.bucket, call.key, written, kept, object_tags, condition)
        except BaseException:
            self._objects.blobs.remove([written.blob_id] if written.blob_id else [])
            raise
        return {
            "CopyObjectResult": copy_result(info),
            "ServerSideEncryption": attributes.encryption(kept)[attributes.SSE],
        }

    def delete_object(self, call: Call) -> dict[str, Any]:
        """Return nothing: it is gone, or was not there."""
        for name in ("IfMatchLastModifiedTime", "IfMatchSize"):
            if name in call.parameters:
                raise NotImplementedHere(f"{name} is for directory buckets.")
        condition = conditions.write_condition(call.parameters)
        self._objects.delete(call.bucket, call.key, condition)
        return {}

    def delete_objects(self, call: Call) -> dict[str, Any]:
        """Return which objects are gone and which could not be deleted, each with its reason."""
        self._objects.buckets.require(call.bucket)
        request = call.parameters["Delete"]
        if not 1 <= len(request["Objects"]) <= MAX_DELETED:
            raise MalformedXML()
        deleted, errors = [], []
        for wanted in request["Objects"]:
            named = {name: wanted[name] for name in ("Key", "VersionId") if name in wanted}
            try:
                self._delete_one(call, wanted)
                deleted.append(named)
            except AWSError as error:
                errors.append(named | {"Code": error.code, "Message": error.message})
        return {"Deleted": [] if request.get("Quiet") else deleted, "Errors": errors}

    def _delete_one(self, call: Call, wanted: Mapping[str, Any]) -> None:
        if not 1 <= len(wanted["Key"].encode()) <= MAX_KEY_BYTES:
            raise KeyTooLongError() if wanted["Key"] else MalformedXML()
        if wanted.get("VersionId", "null") != "null":
            raise NoSuchVersion()
        if set(wanted) & {"LastModifiedTime", "Size"}:
            raise NotImplementedHere("LastModifiedTime and Size are for directory buckets.")
        condition = conditions.write_condition({"IfMatch": wanted.get("ETag")})
        self._permissions.check_deletion(call, wanted["Key"])
        self._objects.delete(call.bucket, wanted["Key"], condition)

    def get_object_tagging(self, call: Call) -> dict[str, Any]:
        """Return the object's tags."""
        return {"TagSet": tags.to_tag_set(self._objects.head(call.bucket, call.key).tags)}

    def put_object_tagging(self, call: Call) -> dict[str, Any]:
        """Return nothing, once the tags are replaced."""
        given = tags.from_tag_set(call.parameters["Tagging"]["TagSet"])
        self._objects.set_tags(call.bucket, call.key, given)
        return {}

    def delete_object_tagging(self, call: Call) -> dict[str, Any]:
        """Return nothing, once the tags are gone."""
        self._objects.set_tags(call.bucket, call.key, {})
        return {}


def copy_result(info: ObjectInfo) -> dict[str, Any]:
    """Return a CopyObjectResult."""
    result = {"ETag": f'"{info.etag}"', "LastModified": info.last_modified}
    if checksum := info.attributes.checksum:
        result |= checksum.members() | {"ChecksumType": checksum.type}
    return result


def _inherited(source: Attributes, asked: Attributes) -> Attributes:
    headers = {
        name: value for name, value in source.headers.items() if name in attributes.CONTENT_HEADERS
    }
    others = {
        name: value
        for name, value in asked.headers.items()
        if name not in attributes.CONTENT_HEADERS
    }
    return replace(asked, headers=headers | others, metadata=source.metadata)


def _directive(parameters: Mapping[str, Any], name: str) -> str:
    directive = parameters.get(name, "COPY")
    if directive not in DIRECTIVES:
        raise InvalidArgument(
            f"Unknown {'metadata' if name == 'MetadataDirective' else 'tagging'} directive.",
            ArgumentName=f"x-amz-{name.removesuffix('Directive').lower()}-directive",
            ArgumentValue=directive,
        )
    return directive
