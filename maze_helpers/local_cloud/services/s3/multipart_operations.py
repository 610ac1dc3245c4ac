"""The operations on multipart uploads, apart from UploadPart, and on what they became."""

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

from maze_helpers.local_cloud.cloud import LocalCloud
from maze_helpers.local_cloud.services.s3 import attributes, byte_range, checksums, conditions, tags
from maze_helpers.local_cloud.services.s3.call import Call
from maze_helpers.local_cloud.services.s3.checksums import COMPOSITE, FULL_OBJECT, Checksum
from maze_helpers.local_cloud.services.s3.copying import copy_span, read_source
from maze_helpers.local_cloud.services.s3.errors import (
    InvalidArgument,
    InvalidRequest,
)
from maze_helpers.local_cloud.services.s3.listing_operations import (
    bucket_listing,
    encoded,
    max_items,
)
from maze_helpers.local_cloud.services.s3.multipart import Part, Upload, Uploads, wanted_part
from maze_helpers.local_cloud.services.s3.schema import owner

ATTRIBUTE_NAMES = {"ETag", "Checksum", "ObjectParts", "StorageClass", "ObjectSize"}


class MultipartOperations:
    """CreateMultipartUpload to CompleteMultipartUpload, and GetObjectAttributes."""

    def __init__(self, cloud: LocalCloud, uploads: Uploads) -> None:
        self._objects = cloud.objects
        self._uploads = uploads
        self._caller = owner(cloud.account_id)
        self.operations = {
            "CreateMultipartUpload": self.create_multipart_upload,
            "UploadPartCopy": self.upload_part_copy,
            "CompleteMultipartUpload": self.complete_multipart_upload,
            "AbortMultipartUpload": self.abort_multipart_upload,
            "ListParts": self.list_parts,
            "ListMultipartUploads": self.list_multipart_uploads,
            "GetObjectAttributes": self.get_object_attributes,
        }

    def create_multipart_upload(self, call: Call) -> dict[str, Any]:
        """Return the id of a new upload."""
        kind = _checksum_kind(call)
        kept = attributes.read(call, kind)
        object_tags = tags.from_header(call.parameters.get("Tagging"))
        upload = self._uploads.create(call.bucket, call.key, kept, object_tags)
        result = {
            "Bucket": call.bucket,
            "Key": call.key,
            "UploadId": upload.upload_id,
            "ServerSideEncryption": attributes.encryption(kept)[attributes.SSE],
        }
        if kind:
            result |= {"ChecksumAlgorithm": kind.algorithm, "ChecksumType": kind.type}
        return result

    def upload_part_copy(self, call: Call) -> dict[str, Any]:
        """Return what the part is, once it is there."""
        upload = self._uploads.get(call.bucket, call.key, call.parameters["UploadId"])
        number = wanted_part(call.parameters)
        bucket, key = read_source(call.parameters["CopySource"])
        stored = self._objects.read(bucket, key)
        kind = upload.attributes.checksum
        with stored.reader:
            conditions.check_copy_source(stored.info, call.parameters)
            span = byte_range.parse_copy_source(
                call.parameters.get("CopySourceRange"), stored.info.size_bytes
            )
            written = copy_span(
                self._objects.blobs,
                stored.reader,
                span,
                kind.algorithm if kind else None,
                small_bytes=0,
            )
        try:
            part = self._uploads.put_part(upload, number, written)
        except BaseException:
            self._objects.blobs.remove([written.blob_id])
            raise
        return {
            "CopyPartResult": {"ETag": f'"{part.etag}"', "LastModified": part.last_modified}
            | (part.checksum.members() if part.checksum else {}),
            "ServerSideEncryption": attributes.encryption(upload.attributes)[attributes.SSE],
        }

    def complete_multipart_upload(self, call: Call) -> dict[str, Any]:
        """Return the object that the parts have become."""
        wanted = call.parameters.get("MultipartUpload", {}).get("Parts", [])
        stated = checksums.stated(call.headers)
        info = self._uploads.complete(
            call.bucket,
            call.key,
            call.parameters["UploadId"],
            wanted,
            conditions.write_condition(call.parameters),
            Checksum(stated.algorithm, stated.value) if stated.value else None,
            call.parameters.get("MpuObjectSize"),
        )
        result = {
            "Location": f"{call.request.url.scheme}://{call.headers['host']}"
            f"/{call.bucket}/{quote(call.key)}",
            "Bucket": call.bucket,
            "Key": call.key,
            "ETag": f'"{info.etag}"',
            "ServerSideEncryption": attributes.encryption(info.attributes)[attributes.SSE],
        }
        if checksum := info.attributes.checksum:
            result |= checksum.members() | {"ChecksumType": checksum.type}
        return result

    def get_object_attributes(self, call: Call) -> dict[str, Any]:
        """Return those of an object's attributes that were asked for."""
        asked = call.parameters["ObjectAttributes"]
        if unknown := set(asked) - ATTRIBUTE_NAMES:
            raise InvalidArgument(
                "Invalid attribute name specified.",
                ArgumentName="x-amz-object-attributes",
                ArgumentValue=",".join(unknown),
            )
        info = self._objects.head(call.bucket, call.key)
        parts = self._uploads.parts_of_object(call.bucket, call.key)
        checksum = info.attributes.checksum
        every = {
            "ETag": info.etag,
            "Checksum": checksum.members() | {"ChecksumType": checksum.type} if checksum else None,
            "ObjectParts": _object_parts(call.parameters, parts) if parts else None,
            "StorageClass": info.attributes.storage_class,
            "ObjectSize": info.size_bytes,
        }
        shown = {name: value for name, value in every.items() if name in asked}
        return shown | {"LastModified": info.last_modified}

    def abort_multipart_upload(self, call: Call) -> dict[str, Any]:
        """Return nothing, once the upload and its parts are gone."""
        self._uploads.abort(call.bucket, call.key, call.parameters["UploadId"])
        return {}

    def list_parts(self, call: Call) -> dict[str, Any]:
        """Return a page of an upload's parts, in order of number."""
        upload = self._uploads.get(call.bucket, call.key, call.parameters["UploadId"])
        limit = max_items(call.parameters, "MaxParts")
        marker = call.parameters.get("PartNumberMarker", 0)
        found = self._uploads.parts(upload.upload_id, after=marker, limit=limit + 1)
        page = found[:limit]
        kind = upload.attributes.checksum
        return {
            "Bucket": call.bucket,
            "Key": call.key,
            "UploadId": upload.upload_id,
            "PartNumberMarker": marker,
            "NextPartNumberMarker": page[-1].part_number if page else 0,
            "MaxParts": limit,
            "IsTruncated": len(found) > limit > 0,
            "Parts": [_listed_part(part) for part in page],
            "Initiator": self._caller,
            "Owner": self._caller,
            "StorageClass": upload.attributes.storage_class,
            "ChecksumAlgorithm": kind.algorithm if kind else None,
            "ChecksumType": kind.type if kind else None,
        }

    def list_multipart_uploads(self, call: Call) -> dict[str, Any]:
        """Return a page of the bucket's unfinished uploads, in order of key, then of start."""
        parameters = call.parameters
        listing = bucket_listing(call, self._objects.buckets)
        limit = max_items(parameters, "MaxUploads")
        marker = parameters.get("KeyMarker", "")
        id_marker = parameters.get("UploadIdMarker", "") if marker else ""
        page = self._uploads.page(listing, marker, id_marker, limit)
        last = page.uploads[-1] if page.uploads else None
        return encoded(
            parameters,
            {
                "Bucket": call.bucket,
                "KeyMarker": marker,
                "UploadIdMarker": id_marker,
                "NextKeyMarker": page.last_item if page.is_truncated else None,
                "NextUploadIdMarker": last.upload_id if page.is_truncated and last else None,
                "Prefix": parameters.get("Prefix", ""),
                "Delimiter": parameters.get("Delimiter") or None,
                "MaxUploads": limit,
                "IsTruncated": page.is_truncated,
                "Uploads": [self._listed_upload(upload) for upload in page.uploads],
                "CommonPrefixes": [{"Prefix": prefix} for prefix in page.common_prefixes],
                "EncodingType": parameters.get("EncodingType"),
            },
        )

    def _listed_upload(self, upload: Upload) -> dict[str, Any]:
        kind = upload.attributes.checksum
        return {
            "UploadId": upload.upload_id,
            "Key": upload.key,
            "Initiated": upload.initiated,
            "StorageClass": upload.attributes.storage_class,
            "Owner": self._caller,
            "Initiator": self._caller,
            "ChecksumAlgorithm": kind.algorithm if kind else None,
            "ChecksumType": kind.type if kind else None,
        }


def _listed_part(part: Part) -> dict[str, Any]:
    listed = {
        "PartNumber": part.part_number,
        "LastModified": part.last_modified,
        "ETag": f'"{part.etag}"',
        "Size": part.size_bytes,
    }
    return listed | (part.checksum.members() if part.checksum else {})


def _object_parts(parameters: Mapping[str, Any], parts: Sequence[Part]) -> dict[str, Any]:
    result: dict[str, Any] = {"TotalPartsCount": len(parts)}
    if all(part.checksum is None for part in parts):
        return result
    marker = parameters.get("PartNumberMarker", 0)
    limit = max_items(parameters, "MaxParts")
    found = [part for part in parts if part.part_number > marker]
    page = found[:limit]
    return result | {
        "PartNumberMarker": marker,
        "NextPartNumberMarker": page[-1].part_number if page else 0,
        "MaxParts": limit,
        "IsTruncated": len(found) > limit,
        "Parts": [
            {"PartNumber": part.part_number, "Size": part.size_bytes} | part.checksum.members()
            for part in page
            if part.checksum
        ],
    }


def _checksum_kind(call: Call) -> Checksum | None:
    name, kind = call.parameters.get("ChecksumAlgorithm"), call.parameters.get("ChecksumType")
    if name is None and kind is not None:
        raise InvalidRequest(
            "The x-amz-checksum-type header can only be used with the x-amz-checksum-algorithm "
            "header."
        )
    if name is None:
        return None
    algorithm = checksums.algorithm_of(name)
    kind = (kind or algorithm.default_type).upper()
    if kind not in (COMPOSITE, FULL_OBJECT):
        raise InvalidRequest("Value for x-amz-checksum-type header is invalid.")
    if (
        kind == FULL_OBJECT
        and algorithm.polynomial is None
        or (kind == COMPOSITE and algorithm.default_type == FULL_OBJECT)
    ):
        raise InvalidRequest(
            f"The {kind} checksum type cannot be used with the {algorithm.name.lower()} "
            "checksum algorithm."
        )
    return Checksum(algorithm.name, "", kind)
