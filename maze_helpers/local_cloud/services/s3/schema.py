"""The tables of S3, and the rows as values."""

import hashlib
import json
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timezone

from maze_helpers.local_cloud.services.s3.checksums import Checksum

MAX_KEY_BYTES = 1024
# A key is a BLOB, so that its order is that of its UTF-8 bytes. What an object holds is in
# `small`, in the blob `blob_id`, or in the blobs of the parts that its `upload_id` put together.
SCHEMA = """
CREATE TABLE IF NOT EXISTS s3_buckets (
    name TEXT PRIMARY KEY,
    region TEXT NOT NULL,
    created_at REAL NOT NULL,
    tags TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS s3_objects (
    bucket TEXT NOT NULL,
    key BLOB NOT NULL,
    size_bytes INTEGER NOT NULL,
    etag TEXT NOT NULL,
    modified_at REAL NOT NULL,
    attributes TEXT NOT NULL,
    tags TEXT NOT NULL,
    blob_id TEXT,
    upload_id TEXT,
    small BLOB,
    UNIQUE (bucket, key)
);
CREATE TABLE IF NOT EXISTS s3_uploads (
    upload_id TEXT PRIMARY KEY,
    bucket TEXT NOT NULL,
    key BLOB NOT NULL,
    initiated_at REAL NOT NULL,
    attributes TEXT NOT NULL,
    tags TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS s3_uploads_by_key ON s3_uploads (bucket, key, upload_id);
CREATE TABLE IF NOT EXISTS s3_parts (
    upload_id TEXT NOT NULL,
    part_number INTEGER NOT NULL,
    blob_id TEXT NOT NULL,
    size_bytes INTEGER NOT NULL,
    etag TEXT NOT NULL,
    checksum TEXT,
    modified_at REAL NOT NULL,
    PRIMARY KEY (upload_id, part_number)
) WITHOUT ROWID;
"""


@dataclass(frozen=True)
class Attributes:
    """What a client says of an object besides its bytes.

    headers: content headers such as Content-Type, by their names. metadata: x-amz-meta-…,
    without the prefix. checksum: of the whole object; of an upload, its algorithm and type.
    """

    headers: Mapping[str, str] = field(default_factory=dict)
    metadata: Mapping[str, str] = field(default_factory=dict)
    storage_class: str = "STANDARD"
    checksum: Checksum | None = None

    def to_json(self) -> str:
        """Return it as a row keeps it."""
        members = vars(self) | {"checksum": vars(self.checksum) if self.checksum else None}
        return json.dumps(members)

    @classmethod
    def from_json(cls, text: str) -> "Attributes":
        """Return what `to_json` wrote."""
        members = json.loads(text)
        checksum = members.pop("checksum")
        return cls(**members, checksum=Checksum(**checksum) if checksum else None)


@dataclass(frozen=True)
class ObjectInfo:
    """An object, without its bytes. etag: without quotation marks."""

    bucket: str
    key: str
    size_bytes: int
    etag: str
    modified_at: float
    attributes: Attributes
    tags: Mapping[str, str]

    @property
    def last_modified(self) -> datetime:
        """When it was written, in UTC."""
        return datetime.fromtimestamp(self.modified_at, tz=timezone.utc)

    @classmethod
    def from_row(cls, row: sqlite3.Row) -> "ObjectInfo":
        """Return the object of a row of `s3_objects`."""
        return cls(
            bucket=row["bucket"],
            key=row["key"].decode(),
            size_bytes=row["size_bytes"],
            etag=row["etag"],
            modified_at=row["modified_at"],
            attributes=Attributes.from_json(row["attributes"]),
            tags=json.loads(row["tags"]),
        )


def moment(time_s: float) -> datetime:
    """Return seconds since the epoch as a moment in UTC."""
    return datetime.fromtimestamp(time_s, tz=timezone.utc)


def owner(account_id: str) -> dict[str, str]:
    """Return the Owner of everything in an account: its canonical id, 64 hexadecimal digits."""
    return {"ID": hashlib.sha256(account_id.encode()).hexdigest()}
