"""Multipart uploads: parts that wait in blobs of their own, and become one object in a row.

Completing copies nothing: the object keeps the parts' blobs, in order.
"""

import hashlib
import json
import secrets
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timezone
from typing import Any

from maze_helpers.local_cloud.clock import Clock
from maze_helpers.local_cloud.services.s3 import checksums
from maze_helpers.local_cloud.services.s3.body_errors import (
    BadDigest,
    EntityTooSmall,
    MalformedXML,
)
from maze_helpers.local_cloud.services.s3.checksums import Checksum
from maze_helpers.local_cloud.services.s3.errors import (
    InvalidArgument,
    InvalidPart,
    InvalidPartOrder,
    InvalidRequest,
    NoSuchUpload,
)
from maze_helpers.local_cloud.services.s3.listing import LAST, Listing
from maze_helpers.local_cloud.services.s3.new_content import Written
from maze_helpers.local_cloud.services.s3.objects import Condition, ObjectStore
from maze_helpers.local_cloud.services.s3.schema import Attributes, ObjectInfo
from maze_helpers.local_cloud.store import Store

MIN_PART_BYTES = 5 * 1024 * 1024
MAX_PARTS = 10_000


@dataclass(frozen=True)
class Upload:
    """An upload that is neither complete nor aborted.

    attributes.checksum: its algorithm and type, without a value; None if it has none.
    """

    upload_id: str
    bucket: str
    key: str
    initiated_at: float
    attributes: Attributes
    tags: Mapping[str, str]

    @property
    def initiated(self) -> datetime:
        """When it was begun, in UTC."""
        return datetime.fromtimestamp(self.initiated_at, tz=timezone.utc)

    @classmethod
    def from_row(cls, row: sqlite3.Row) -> "Upload":
        """Return the upload of a row of `s3_uploads`."""
        return cls(
            upload_id=row["upload_id"],
            bucket=row["bucket"],
            key=row["key"].decode(),
            initiated_at=row["initiated_at"],
            attributes=Attributes.from_json(row["attributes"]),
            tags=json.loads(row["tags"]),
        )


@dataclass(frozen=True)
class Part:
    """A part of an upload, or of the object that it became. etag: without quotation marks."""

    part_number: int
    blob_id: str
    size_bytes: int
    etag: str
    checksum: Checksum | None
    modified_at: float

    @property
    def last_modified(self) -> datetime:
        """When it was written, in UTC."""
        return datetime.fromtimestamp(self.modified_at, tz=timezone.utc)

    @classmethod
    def from_row(cls, row: sqlite3.Row) -> "Part":
        """Return the part of a row of `s3_parts`."""
        checksum = json.loads(row["checksum"]) if row["checksum"] else None
        return cls(
            part_number=row["part_number"],
            blob_id=row["blob_id"],
            size_bytes=row["size_bytes"],
            etag=row["etag"],
            checksum=Checksum(**checksum) if checksum else None,
            modified_at=row["modified_at"],
        )


@dataclass
class UploadsPage:
    """A page of unfinished uploads. last_item: its last key or common prefix."""

    uploads: list[Upload] = field(default_factory=list)
    common_prefixes: list[str] = field(default_factory=list)
    is_truncated: bool = False
    last_item: str = ""


class Uploads:
    """Every bucket's unfinished uploads."""

    def __init__(self, store: Store, objects: ObjectStore, clock: Clock) -> None:
        self._store = store
        self._objects = objects
        self._clock = clock

    def create(
        self, bucket: str, key: str, attributes: Attributes, tags: Mapping[str, str]
    ) -> Upload:
        """Return a new upload. Raises: NoSuchBucket."""
        now = self._clock.time_s()
        # The time comes first, so that the ids of a key's uploads are in the order of their start.
        upload_id = f"{int(now * 1000):012x}{secrets.token_hex(26)}"
        with self._store.transaction() as db:
            self._objects.buckets.require(bucket)
            db.execute(
                "INSERT INTO s3_uploads VALUES (?, ?, ?, ?, ?, ?)",
                (upload_id, bucket, key.encode(), now, attributes.to_json(), json.dumps(tags)),
            )
        return Upload(upload_id, bucket, key, now, attributes, tags)

    def get(self, bucket: str, key: str, upload_id: str) -> Upload:
        """Return an unfinished upload. Raises: NoSuchBucket, NoSuchUpload."""
        row = self._store.connection.execute(
            "SELECT * FROM s3_uploads WHERE upload_id = ? AND bucket = ? AND key = ?",
            (upload_id, bucket, key.encode()),
        ).fetchone()
        if row is None:
            self._objects.buckets.require(bucket)
            raise NoSuchUpload(UploadId=upload_id)
        return Upload.from_row(row)

    def put_part(self, upload: Upload, part_number: int, written: Written) -> Part:
        """Return a part, which replaces the one that had its number before.

        Raises: NoSuchUpload. What was written is the caller's to discard when this raises.
        """
        checksum = written.checksum if upload.attributes.checksum else None
        part = Part(
            part_number=part_number,
            blob_id=written.blob_id,
            size_bytes=written.size_bytes,
            etag=written.etag,
            checksum=checksum,
            modified_at=self._clock.time_s(),
        )
        with self._store.transaction() as db:
            self.get(upload.bucket, upload.key, upload.upload_id)
            replaced = db.execute(
                "SELECT blob_id FROM s3_parts WHERE upload_id = ? AND part_number = ?",
                (upload.upload_id, part_number),
            ).fetchall()
            db.execute(
                "INSERT OR REPLACE INTO s3_parts VALUES (?, ?, ?, ?, ?, ?, ?)",
                (
                    upload.upload_id,
                    part.part_number,
                    part.blob_id,
                    part.size_bytes,
                    part.etag,
                    json.dumps(vars(checksum)) if checksum else None,
                    part.modified_at,
                ),
            )
        self._objects.blobs.remove([row["blob_id"] for row in replaced])
        return part

    def parts(self, upload_id: str, after: int = 0, limit: int = MAX_PARTS) -> list[Part]:
        """Return the parts whose numbers come after one, in order of number."""
        rows = self._store.connection.execute(
            "SELECT * FROM s3_parts WHERE upload_id = ? AND part_number > ?"
            " ORDER BY part_number LIMIT ?",
            (upload_id, after, limit),
        )
        return [Part.from_row(row) for row in rows]

    def abort(self, bucket: str, key: str, upload_id: str) -> None:
        """Forget an upload and its parts. Raises: NoSuchBucket, NoSuchUpload."""
        with self._store.transaction() as db:
            self.get(bucket, key, upload_id)
            blob_ids = [part.blob_id for part in self.parts(upload_id)]
            db.execute("DELETE FROM s3_uploads WHERE upload_id = ?", (upload_id,))
            db.execute("DELETE FROM s3_parts WHERE upload_id = ?", (upload_id,))
        self._objects.blobs.remove(blob_ids)

    def parts_of_object(self, bucket: str, key: str) -> list[Part]:
        """Return the parts that an object was uploaded in, in order; none if in one piece."""
        rows = self._store.connection.execute(
            "SELECT s3_parts.* FROM s3_objects JOIN s3_parts USING (upload_id)"
            " WHERE bucket = ? AND key = ? ORDER BY part_number",
            (bucket, key.encode()),
        )
        return [Part.from_row(row) for row in rows]

    def page(self, listing: Listing, marker: str, id_marker: str, limit: int) -> "UploadsPage":
        """Return up to `limit` uploads and common prefixes behind the markers."""
        page = UploadsPage()
        key, rolled_marker = marker.encode(), listing.common_prefix(marker.encode())
        rows = self._store.connection.execute(
            "SELECT * FROM s3_uploads WHERE bucket = ? AND key >= ? AND key < ?"
            " AND (key > ? OR (key = ? AND ? != '' AND upload_id > ?)) ORDER BY key, upload_id",
            (
                listing.bucket,
                listing.prefix,
                listing.prefix + LAST,
                key,
                key,
                id_marker,
                id_marker,
            ),
        )
        for row in rows:
            rolled = listing.common_prefix(row["key"])
            name = (rolled or row["key"]).decode()
            if rolled is not None and (rolled == rolled_marker or name in page.common_prefixes):
                continue
            if len(page.uploads) + len(page.common_prefixes) >= limit:
                page.is_truncated = limit > 0
                break
            if rolled is None:
                page.uploads.append(Upload.from_row(row))
            else:
                page.common_prefixes.append(name)
            page.last_item = name
        return page

    def complete(
        self,
        bucket: str,
        key: str,
        upload_id: str,
        wanted: Sequence[Mapping[str, Any]],
        condition: Condition | None,
        stated: Checksum | None,
        stated_size_bytes: int | None,
    ) -> ObjectInfo:
        """Return the object that an upload's parts become.

        wanted: PartNumber, ETag and checksum of each. stated: the object's checksum.
        Raises: S3Error, if the parts are not there, not in order, or too small.
        """
        with self._store.transaction() as db:
            # A client that missed the answer asks again, and gets the same one.
            if done := self._objects.made_of(bucket, key, upload_id):
                return done
            upload = self.get(bucket, key, upload_id)
            there = {part.part_number: part for part in self.parts(upload_id)}
            parts = _chosen(upload, there, wanted)
            info = self._assembled(upload, parts)
            _check_stated(info, stated, stated_size_bytes)
            garbage = self._objects.write_row(db, info, condition, upload_id=upload_id)
            left_out = set(there) - {part.part_number for part in parts}
            for number in left_out:
                db.execute(
                    "DELETE FROM s3_parts WHERE upload_id = ? AND part_number = ?",
                    (upload_id, number),
                )
            db.execute("DELETE FROM s3_uploads WHERE upload_id = ?", (upload_id,))
        self._objects.blobs.remove(garbage + [there[number].blob_id for number in left_out])
        return info

    def _assembled(self, upload: Upload, parts: Sequence[Part]) -> ObjectInfo:
        md5s = hashlib.md5(
            b"".join(bytes.fromhex(part.etag) for part in parts), usedforsecurity=False
        )
        checksum = None
        if kind := upload.attributes.checksum:
            pieces = [(part.checksum, part.size_bytes) for part in parts]
            checksum = checksums.of_parts(pieces, kind.type)
        return ObjectInfo(
            bucket=upload.bucket,
            key=upload.key,
            size_bytes=sum(part.size_bytes for part in parts),
            etag=f"{md5s.hexdigest()}-{len(parts)}",
            modified_at=self._clock.time_s(),
            attributes=replace(upload.attributes, checksum=checksum),
            tags=upload.tags,
        )


def _check_stated(info: ObjectInfo, checksum: Checksum | None, size_bytes: int | None) -> None:
    if size_bytes is not None and size_bytes != info.size_bytes:
        raise InvalidRequest(
            f"The provided 'x-amz-mp-object-size' header value {size_bytes} does not match what "
            f"was computed: {info.size_bytes}"
        )
    made = info.attributes.checksum
    # The number of parts behind a composite may be left out.
    if checksum and made and made.value.partition("-")[0] != checksum.value.partition("-")[0]:
        raise BadDigest(
            f"The {made.algorithm} you specified did not match the calculated checksum."
        )


def wanted_part(parameters: Mapping[str, Any]) -> int:
    """Return the number of the part to write. Raises: InvalidArgument."""
    number = parameters["PartNumber"]
    if not 1 <= number <= MAX_PARTS:
        raise InvalidArgument(
            f"Part number must be an integer between 1 and {MAX_PARTS}, inclusive",
            ArgumentName="partNumber",
            ArgumentValue=number,
        )
    return number


def _chosen(
    upload: Upload, there: Mapping[int, Part], wanted: Sequence[Mapping[str, Any]]
) -> list[Part]:
    if not wanted:
        raise MalformedXML()
    numbers = [part.get("PartNumber") for part in wanted]
    if None in numbers:
        raise MalformedXML()
    if any(later <= earlier for earlier, later in zip(numbers, numbers[1:], strict=False)):
        raise InvalidPartOrder(UploadId=upload.upload_id)
    parts = [_match(upload, there, part) for part in wanted]
    for part in parts[:-1]:
        if part.size_bytes < MIN_PART_BYTES:
            raise EntityTooSmall(
                ETag=part.etag,
                MinSizeAllowed=MIN_PART_BYTES,
                PartNumber=part.part_number,
                ProposedSize=part.size_bytes,
            )
    return parts


def _match(upload: Upload, there: Mapping[int, Part], wanted: Mapping[str, Any]) -> Part:
    number, etag = wanted["PartNumber"], wanted.get("ETag", "").strip('"')
    part = there.get(number)
    if part is None or part.etag != etag:
        raise InvalidPart(ETag=etag, PartNumber=number, UploadId=upload.upload_id)
    kind = upload.attributes.checksum
    if kind is None:
        return part
    value = wanted.get(checksums.ALGORITHMS[kind.algorithm].member)
    if value is None and kind.type == checksums.COMPOSITE:
        raise InvalidRequest(
            f"The upload was created using a {kind.algorithm.lower()} checksum. The complete "
            "request must include the checksum for each part. It was missing for part "
            f"{number} in the request."
        )
    if value is not None and value != part.checksum.value:
        raise InvalidPart(ETag=etag, PartNumber=number, UploadId=upload.upload_id)
    return part
