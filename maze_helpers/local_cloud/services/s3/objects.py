"""The objects: written whole or not at all, read undisturbed by later writes."""

import io
import json
import shutil
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO

from maze_helpers.local_cloud.clock import Clock
from maze_helpers.local_cloud.services.s3.blobs import BlobFiles
from maze_helpers.local_cloud.services.s3.buckets import Buckets
from maze_helpers.local_cloud.services.s3.content import BlobReader
from maze_helpers.local_cloud.services.s3.errors import (
    BucketNotEmpty,
    KeyTooLongError,
    NoSuchKey,
)
from maze_helpers.local_cloud.services.s3.listing import Listing
from maze_helpers.local_cloud.services.s3.new_content import NewContent, Written
from maze_helpers.local_cloud.services.s3.schema import (
    MAX_KEY_BYTES,
    SCHEMA,
    Attributes,
    ObjectInfo,
)
from maze_helpers.local_cloud.store import Store

CHUNK_BYTES = 1024 * 1024
PAGE_KEYS = 1000
# Not INSERT OR REPLACE, which would move the row and write its index anew.
WRITE_ROW = """
INSERT INTO s3_objects VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (bucket, key) DO UPDATE SET
    size_bytes = excluded.size_bytes,
    etag = excluded.etag,
    modified_at = excluded.modified_at,
    attributes = excluded.attributes,
    tags = excluded.tags,
    blob_id = excluded.blob_id,
    upload_id = excluded.upload_id,
    small = excluded.small
"""

Condition = Callable[[ObjectInfo | None], None]


@dataclass(frozen=True)
class StoredObject:
    """An object with its bytes. part_sizes: in bytes, of one that was uploaded in parts."""

    info: ObjectInfo
    reader: BinaryIO
    part_sizes: list[int] | None


class ObjectStore:
    """Every bucket's objects."""

    def __init__(self, store: Store, blobs_dir: Path, clock: Clock) -> None:
        store.create_tables(SCHEMA)
        self.blobs = BlobFiles(blobs_dir)
        self.buckets = Buckets(store, clock)
        self._store = store
        self._clock = clock

    def require(self, action: str, bucket: str, key: str | None = None) -> None:
        """Raise AccessDenied unless whom the store is for may do that: everything, here."""

    def create_bucket(self, bucket: str) -> None:
        """Make the bucket unless it is there."""
        self.buckets.create(bucket)

    def bucket_exists(self, bucket: str) -> bool:
        """Return whether the bucket is there."""
        return self.buckets.find(bucket) is not None

    def delete_bucket(self, bucket: str) -> None:
        """Remove the bucket and its unfinished uploads. Raises: NoSuchBucket, BucketNotEmpty."""
        with self._store.transaction() as db:
            self.buckets.require(bucket)
            if db.execute(
                "SELECT 1 FROM s3_objects WHERE bucket = ? LIMIT 1", (bucket,)
            ).fetchone():
                raise BucketNotEmpty(BucketName=bucket)
            uploads = "SELECT upload_id FROM s3_uploads WHERE bucket = ?"
            parts = db.execute(
                f"SELECT blob_id FROM s3_parts WHERE upload_id IN ({uploads})", (bucket,)
            ).fetchall()
            db.execute(f"DELETE FROM s3_parts WHERE upload_id IN ({uploads})", (bucket,))
            db.execute("DELETE FROM s3_uploads WHERE bucket = ?", (bucket,))
            db.execute("DELETE FROM s3_buckets WHERE name = ?", (bucket,))
        self.blobs.remove([part["blob_id"] for part in parts])

    def list_objects(self, bucket: str, prefix: str = "") -> Iterator[ObjectInfo]:
        """Yield the objects whose keys begin with the prefix, in order of key.

        Raises: NoSuchBucket.
        """
        self.buckets.require(bucket)
        listing = Listing(bucket, prefix.encode(), delimiter=b"")
        start: bytes | None = listing.prefix
        while start is not None:
            page = listing.page(self._store.connection, start, PAGE_KEYS)
            yield from map(ObjectInfo.from_row, page.rows)
            start = page.next_start

    def head(self, bucket: str, key: str) -> ObjectInfo:
        """Return the object without its bytes. Raises: NoSuchBucket, NoSuchKey."""
        row = self._find(self._store.connection, bucket, key)
        if row is None:
            self.buckets.require(bucket)
            raise NoSuchKey(Key=key)
        return ObjectInfo.from_row(row)

    def made_of(self, bucket: str, key: str, upload_id: str) -> ObjectInfo | None:
        """Return the object if it is what that upload became, or None."""
        row = self._find(self._store.connection, bucket, key)
        return ObjectInfo.from_row(row) if row and row["upload_id"] == upload_id else None

    def open(self, bucket: str, key: str) -> BinaryIO:
        """Return the object's bytes as a seekable file; close it to let go of them.

        Raises: NoSuchBucket, NoSuchKey.
        """
        return io.BufferedReader(self.read(bucket, key).reader, CHUNK_BYTES)

    def read(self, bucket: str, key: str) -> "StoredObject":
        """Return the object with its bytes, to be closed. Raises: NoSuchBucket, NoSuchKey."""
        found: list[tuple[sqlite3.Row | None, list[sqlite3.Row]]] = []

        def find() -> list[str]:
            found.append(self._find_content(bucket, key))
            return [blob["blob_id"] for blob in found[0][1]]

        blob_ids = self.blobs.hold(find)
        row, blobs = found[0]
        if row is None:
            self.buckets.require(bucket)
            raise NoSuchKey(Key=key)
        sizes = [blob["size_bytes"] for blob in blobs]
        info = ObjectInfo.from_row(row)
        if row["small"] is not None:
            return StoredObject(info, io.BytesIO(row["small"]), None)
        reader = BlobReader(self.blobs, blob_ids, sizes)
        return StoredObject(info, reader, sizes if row["upload_id"] else None)

    def _find_content(self, bucket: str, key: str) -> tuple[sqlite3.Row | None, list[sqlite3.Row]]:
        db = self._store.connection
        row = self._find(db, bucket, key)
        if row is None or row["small"] is not None:
            return row, []
        if row["upload_id"] is None:
            return row, [row]
        query = "SELECT blob_id, size_bytes FROM s3_parts WHERE upload_id = ? ORDER BY part_number"
        return row, db.execute(query, (row["upload_id"],)).fetchall()

    def download(self, bucket: str, key: str, path: Path) -> None:
        """Write a private copy of the object; the folders above it are made.

        Raises: NoSuchBucket, NoSuchKey.
        """
        with self.read(bucket, key).reader as reader:
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("wb") as file:
                shutil.copyfileobj(reader, file, CHUNK_BYTES)

    def upload(
        self, bucket: str, key: str, path: Path, content_type: str | None = None
    ) -> ObjectInfo:
        """Return the object, made from a file's bytes. Raises: NoSuchBucket, KeyTooLongError."""
        content = NewContent(self.blobs)
        headers = {"content-type": content_type} if content_type else {}
        try:
            with path.open("rb") as file:
                while data := file.read(CHUNK_BYTES):
                    content.write(data)
            return self.put(bucket, key, content.close(), Attributes(headers=headers))
        except BaseException:
            content.discard()
            raise

    def put(
        self,
        bucket: str,
        key: str,
        written: Written,
        attributes: Attributes,
        tags: Mapping[str, str] | None = None,
        condition: Condition | None = None,
    ) -> ObjectInfo:
        """Return the object, which becomes visible with all its bytes in one step.

        condition: raises unless the object that is there now (or None) may be replaced.
        Raises: NoSuchBucket, KeyTooLongError. What was written is the caller's to discard then.
        """
        with self._store.transaction() as db:
            info, garbage = self.put_row(db, bucket, key, written, attributes, tags, condition)
        self.blobs.remove(garbage)
        return info

    def put_row(
        self,
        db: sqlite3.Connection,
        bucket: str,
        key: str,
        written: Written,
        attributes: Attributes,
        tags: Mapping[str, str] | None = None,
        condition: Condition | None = None,
    ) -> tuple[ObjectInfo, list[str]]:
        """Write an object within a transaction; return it, and the blobs to remove after it.

        Otherwise as `put`.
        """
        if len(key.encode()) > MAX_KEY_BYTES:
            raise KeyTooLongError(Size=len(key.encode()), MaxSizeAllowed=MAX_KEY_BYTES)
        info = ObjectInfo(
            bucket=bucket,
            key=key,
            size_bytes=written.size_bytes,
            etag=written.etag,
            modified_at=self._clock.time_s(),
            attributes=replace(attributes, checksum=written.checksum),
            tags=tags or {},
        )
        garbage = self.write_row(db, info, condition, blob_id=written.blob_id, small=written.small)
        return info, garbage

    def write_row(
        self,
        db: sqlite3.Connection,
        info: ObjectInfo,
        condition: Condition | None,
        blob_id: str | None = None,
        small: bytes | None = None,
        upload_id: str | None = None,
    ) -> list[str]:
        """Write an object's row within a transaction; return the blobs to remove after it.

        What it holds is one of three: a blob, its own small bytes, or the parts of an upload.
        """
        self.buckets.require(info.bucket)
        old = self._find(db, info.bucket, info.key)
        if condition:
            condition(ObjectInfo.from_row(old) if old else None)
        db.execute(
            WRITE_ROW,
            (
                info.bucket,
                info.key.encode(),
                info.size_bytes,
                info.etag,
                info.modified_at,
                info.attributes.to_json(),
                json.dumps(info.tags),
                blob_id,
                upload_id,
                small,
            ),
        )
        return self._forget_content(db, old) if old else []

    def set_tags(self, bucket: str, key: str, tags: Mapping[str, str]) -> None:
        """Replace an object's tags. Raises: NoSuchBucket, NoSuchKey."""
        with self._store.transaction() as db:
            self.head(bucket, key)
            db.execute(
                "UPDATE s3_objects SET tags = ? WHERE bucket = ? AND key = ?",
                (json.dumps(tags), bucket, key.encode()),
            )

    def delete(self, bucket: str, key: str, condition: Condition | None = None) -> None:
        """Remove the object if it is there. Raises: NoSuchBucket."""
        with self._store.transaction() as db:
            self.buckets.require(bucket)
            old = self._find(db, bucket, key)
            if condition:
                condition(ObjectInfo.from_row(old) if old else None)
            garbage = []
            if old:
                db.execute(
                    "DELETE FROM s3_objects WHERE bucket = ? AND key = ?", (bucket, key.encode())
                )
                garbage = self._forget_content(db, old)
        self.blobs.remove(garbage)

    def recover(self) -> None:
        """Remove the blobs that a killed server left half-written or unnamed."""
        rows = self._store.connection.execute(
            "SELECT blob_id FROM s3_objects WHERE blob_id IS NOT NULL"
            " UNION ALL SELECT blob_id FROM s3_parts"
        )
        self.blobs.remove_all_but({row["blob_id"] for row in rows})

    def _find(self, db: sqlite3.Connection, bucket: str, key: str) -> sqlite3.Row | None:
        return db.execute(
            "SELECT * FROM s3_objects WHERE bucket = ? AND key = ?", (bucket, key.encode())
        ).fetchone()

    def _forget_content(self, db: sqlite3.Connection, old: sqlite3.Row) -> list[str]:
        if old["upload_id"] is None:
            return [old["blob_id"]] if old["blob_id"] else []
        upload = (old["upload_id"],)
        parts = db.execute("SELECT blob_id FROM s3_parts WHERE upload_id = ?", upload).fetchall()
        db.execute("DELETE FROM s3_parts WHERE upload_id = ?", upload)
        return [part["blob_id"] for part in parts]
