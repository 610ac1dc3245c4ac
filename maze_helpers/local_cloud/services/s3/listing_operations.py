"""ListObjects in its two versions, and ListObjectVersions."""

import base64
import binascii
import sqlite3
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from maze_helpers.local_cloud.cloud import LocalCloud
from maze_helpers.local_cloud.services.s3.buckets import Buckets
from maze_helpers.local_cloud.services.s3.call import Call
from maze_helpers.local_cloud.services.s3.errors import (
    InvalidArgument,
)
from maze_helpers.local_cloud.services.s3.listing import Listing, Page
from maze_helpers.local_cloud.services.s3.schema import Attributes, moment, owner

MAX_KEYS = 1000
# These are what the client asked with; with encoding-type=url they come back encoded, too.
ENCODED = (
    "Prefix",
    "Delimiter",
    "Marker",
    "NextMarker",
    "StartAfter",
    "KeyMarker",
    "NextKeyMarker",
)


class ListingOperations:
    """The listings of a bucket's objects."""

    def __init__(self, cloud: LocalCloud) -> None:
        self._buckets = cloud.objects.buckets
        self._store = cloud.store
        self._owner = owner(cloud.account_id)
        self.operations = {
            "ListObjects": self.list_objects,
            "ListObjectsV2": self.list_objects_v2,
            "ListObjectVersions": self.list_object_versions,
        }

    def list_objects(self, call: Call) -> dict[str, Any]:
        """Return a page of objects, after a marker."""
        listing = bucket_listing(call, self._buckets)
        marker = call.parameters.get("Marker", "")
        start = listing.after_marker(marker) if marker else b""
        page = self._page(call, listing, start)
        more = page.next_start is not None
        return encoded(
            call.parameters,
            self._result(call, page, with_owner=True)
            | {
                "Marker": marker,
                # Without a delimiter, the last key is the next marker, and is not repeated.
                "NextMarker": page.last_item if more and listing.delimiter else None,
            },
        )

    def list_objects_v2(self, call: Call) -> dict[str, Any]:
        """Return a page of objects, at a token or after a key."""
        listing = bucket_listing(call, self._buckets)
        parameters = call.parameters
        token, start_after = parameters.get("ContinuationToken"), parameters.get("StartAfter")
        start = listing.after(start_after) if start_after else b""
        if token is not None:
            start = _read_token(token)
        page = self._page(call, listing, start)
        return encoded(
            parameters,
            self._result(call, page, with_owner=parameters.get("FetchOwner", False))
            | {
                "KeyCount": page.size,
                "ContinuationToken": token,
                "NextContinuationToken": _write_token(page.next_start),
                "StartAfter": start_after or None,
            },
        )

    def list_object_versions(self, call: Call) -> dict[str, Any]:
        """Return a page of objects, each the one version that it has."""
        listing = bucket_listing(call, self._buckets)
        marker = call.parameters.get("KeyMarker", "")
        start = listing.after_marker(marker) if marker else b""
        page = self._page(call, listing, start)
        result = self._result(call, page, with_owner=True)
        versions = [
            version | {"VersionId": "null", "IsLatest": True} for version in result.pop("Contents")
        ]
        more = page.next_start is not None
        return encoded(
            call.parameters,
            result
            | {
                "Versions": versions,
                "KeyMarker": marker,
                "VersionIdMarker": call.parameters.get("VersionIdMarker", ""),
                "NextKeyMarker": page.last_item if more else None,
                "NextVersionIdMarker": "null" if more else None,
            },
        )

    def _page(self, call: Call, listing: Listing, start: bytes) -> Page:
        return listing.page(self._store.connection, start, max_items(call.parameters, "MaxKeys"))

    def _result(self, call: Call, page: Page, with_owner: bool) -> dict[str, Any]:
        return {
            "Name": call.bucket,
            "Prefix": call.parameters.get("Prefix", ""),
            "Delimiter": call.parameters.get("Delimiter") or None,
            "MaxKeys": max_items(call.parameters, "MaxKeys"),
            "EncodingType": call.parameters.get("EncodingType"),
            "IsTruncated": page.next_start is not None,
            "Contents": [
                _entry(row) | ({"Owner": self._owner} if with_owner else {}) for row in page.rows
            ],
            "CommonPrefixes": [{"Prefix": prefix} for prefix in page.common_prefixes],
        }


def bucket_listing(call: Call, buckets: Buckets) -> Listing:
    """Return the listing that a request's bucket, prefix and delimiter make."""
    buckets.require(call.bucket)
    if call.parameters.get("EncodingType", "url") != "url":
        raise InvalidArgument(
            "Invalid Encoding Method specified in Request",
            ArgumentName="encoding-type",
            ArgumentValue=call.parameters["EncodingType"],
        )
    return Listing(
        bucket=call.bucket,
        prefix=call.parameters.get("Prefix", "").encode(),
        delimiter=call.parameters.get("Delimiter", "").encode(),
    )


def max_items(parameters: Mapping[str, Any], name: str) -> int:
    """Return how many items a page may have: what was asked for, and never more than 1000."""
    asked = parameters.get(name, MAX_KEYS)
    if asked < 0:
        argument = {"MaxKeys": "max-keys", "MaxUploads": "max-uploads", "MaxParts": "max-parts"}
        raise InvalidArgument(
            f"Argument {argument[name]} must be an integer between 0 and 2147483647",
            ArgumentName=argument[name],
            ArgumentValue=asked,
        )
    return min(asked, MAX_KEYS)


def _entry(row: sqlite3.Row) -> dict[str, Any]:
    attributes = Attributes.from_json(row["attributes"])
    entry: dict[str, Any] = {
        "Key": row["key"].decode(),
        "LastModified": moment(row["modified_at"]),
        "ETag": f'"{row["etag"]}"',
        "Size": row["size_bytes"],
        "StorageClass": attributes.storage_class,
    }
    if checksum := attributes.checksum:
        entry |= {"ChecksumAlgorithm": [checksum.algorithm], "ChecksumType": checksum.type}
    return entry


def encoded(parameters: Mapping[str, Any], result: dict[str, Any]) -> dict[str, Any]:
    """Return a listing with its keys encoded, if the client asked for that."""
    if parameters.get("EncodingType") != "url":
        return result
    for name in ENCODED:
        if result.get(name):
            result[name] = quote(result[name], safe="/")
    for entry in (
        *result.get("Contents", ()),
        *result.get("Versions", ()),
        *result.get("Uploads", ()),
    ):
        entry["Key"] = quote(entry["Key"], safe="/")
    for entry in result["CommonPrefixes"]:
        entry["Prefix"] = quote(entry["Prefix"], safe="/")
    return result


def _write_token(next_start: bytes | None) -> str | None:
    return None if next_start is None else base64.urlsafe_b64encode(next_start).decode()


def _read_token(token: str) -> bytes:
    try:
        if not token:
            raise ValueError(token)
        return base64.b64decode(token, altchars="-_", validate=True)
    except (binascii.Error, ValueError):
        raise InvalidArgument(
            "The continuation token provided is incorrect",
            ArgumentName="continuation-token",
            ArgumentValue=token,
        ) from None
