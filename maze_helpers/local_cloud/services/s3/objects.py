"""The objects: written whole or not at all, read undisturbed by later writes."""

import io
import json
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

from maze_helpers.local_cloud.clock import Clock
from maze_helpers.local_cloud.services.s3.blobs import BlobFiles, NewBlob
from maze_helpers.local_cloud.services.s3.buckets import Buckets
from maze_helpers.local_cloud.services.s3.checksums import Digests
from maze_helpers.local_cloud.services.s3.content import BlobReader
from maze_helpers.local_cloud.services.s3.errors import NoSuchKey
from maze_helpers.local_cloud.services.s3.schema import SCHEMA, Attributes, ObjectInfo
from maze_helpers.local_cloud.store import Store

CHUNK_BYTES = 1024 * 1024
# Up to here an object lives in its row: one write instead of a file's three.
SMALL_BYTES = 16 * 1024

Condition = Callable[[ObjectInfo | None], None]


class NewContent:
    """The bytes of an object that is being written, with their digests."""

    def __init__(self, blobs: BlobFiles, algorithm: str | None = None) -> None:
        """algorithm: of the checksum to make besides the MD5, or None."""
        self.digests = Digests(algorithm)
        self.small = bytearray()
        self.blob: NewBlob | None = None
        self._blobs = blobs

    def write(self, data: bytes) -> None:
        """Append bytes."""
        self.digests.update(data)
        if self.blob is None and len(self.small) + len(data) <= SMALL_BYTES:
            self.small += data
            return
        if self.blob is None:
            self.blob = self._blobs.create()
            self.blob.write(self.small)
            self.small = bytearray()
        self.blob.write(data)

    def close(self) -> None:
        """End the writing."""
        if self.blob:
            self.blob.close()

    def discard(self) -> None:
        """Leave nothing behind."""
        if self.blob:
            self.blob.discard()


class ObjectStore:
    """Every bucket's objects."""

    def __init__(self, store: Store, blobs_dir: Path, clock: Clock) -> None:
        store.create_tables(SCHEMA)
        self.blobs = BlobFiles(blobs_dir)
        self.buckets = Buckets(store, clock)
        self._store = store
        self._clock = clock

    def create_bucket(self, bucket: str) -> None:
        """Make the bucket unless it is there."""
        self.buckets.create(bucket)

    def bucket_exists(self, bucket: str) -> bool:
        """Return whether the bucket is there."""
        return self.buckets.find(bucket) is not None

    def list_objects(self, bucket: str, prefix: str = "") -> Iterator[ObjectInfo]:
        """Yield the objects whose keys begin with the prefix, in order of key.

        Raises: NoSuchBucket.
        """
        self.buckets.get(bucket)
        start = prefix.encode()
        query = "SELECT * FROM s3_objects WHERE bucket = ? AND key >= ? ORDER BY key"
        for row in self._store.connection.execute(query, (bucket, start)).fetchall():
            if not row["key"].startswith(start):
                return
            yield ObjectInfo.from_row(row)

    def head(self, bucket: str, key: str) -> ObjectInfo:
        """Return the object without its bytes. Raises: NoSuchBucket, NoSuchKey."""
        row = self._find(self._store.connection, bucket, key)
        if row is None:
            self.buckets.get(bucket)
            raise NoSuchKey(Key=key)
        return ObjectInfo.from_row(row)

    def open(self, bucket: str, key: str) -> BinaryIO:
        """Return the object's bytes as a seekable file; close it to let go of them.

        Raises: NoSuchBucket, NoSuchKey.
        """
        _, reader = self.read(bucket, key)
        return io.BufferedReader(reader, CHUNK_BYTES)

    def read(self, bucket: str, key: str) -> tuple[ObjectInfo, io.RawIOBase]:
        """Return the object and its bytes. Raises: NoSuchBucket, NoSuchKey."""
        found: list[sqlite3.Row | None] = []
        sizes: list[int] = []

        def find() -> list[str]:
            db = self._store.connection
            row = self._find(db, bucket, key)
            found.append(row)
            if row is None or row["small"] is not None:
                return []
            if row["blob_id"]:
                sizes.append(row["size_bytes"])
                return [row["blob_id"]]
            parts = db.execute(
                "SELECT blob_id, size_bytes FROM s3_parts WHERE upload_id = ? ORDER BY part_number",
                (row["upload_id"],),
            ).fetchall()
            sizes.extend(part["size_bytes"] for part in parts)
            return [part["blob_id"] for part in parts]

        blob_ids = self.blobs.hold(find)
        row = found[0]
        if row is None:
            self.buckets.get(bucket)
            raise NoSuchKey(Key=key)
        info = ObjectInfo.from_row(row)
        if row["small"] is not None:
            return info, io.BytesIO(row["small"])
        return info, BlobReader(self.blobs, blob_ids, sizes)

    def download(self, bucket: str, key: str, path: Path) -> None:
        """Write a private copy of the object; the folders above it are made.

        Raises: NoSuchBucket, NoSuchKey.
        """
        _, reader = self.read(bucket, key)
        with reader:
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("wb") as file:
                shutil.copyfileobj(reader, file, CHUNK_BYTES)

    def upload(
        self, bucket: str, key: str, path: Path, content_type: str | None = None
    ) -> ObjectInfo:
        """Return the object, made from a file's bytes. Raises: NoSuchBucket."""
        content = NewContent(self.blobs)
        headers = {"Content-Type": content_type} if content_type else {}
        try:
            with path.open("rb") as file:
                while data := file.read(CHUNK_BYTES):
                    content.write(data)
            content.close()
            return self.put(bucket, key, content, Attributes(headers=headers))
        except BaseException:
            content.discard()
            raise

    def put(
        self,
        bucket: str,
        key: str,
        content: NewContent,
        attributes: Attributes,
        tags: dict[str, str] | None = None,
        condition: Condition | None = None,
    ) -> ObjectInfo:
        """Return the object, whose closed content becomes visible in one step.

        condition: raises unless the object that is there now (or None) may be replaced.
        Raises: NoSuchBucket. The content is the caller's to discard when this raises.
        """
        info = ObjectInfo(
            bucket=bucket,
            key=key,
            size_bytes=content.digests.size_bytes,
            etag=content.digests.md5.hex(),
            modified_at=self._clock.time_s(),
            attributes=attributes,
            tags=tags or {},
        )
        blob_id = content.blob.blob_id if content.blob else None
        small = None if content.blob else bytes(content.small)
        with self._store.transaction() as db:
            garbage = self.replace(db, info, condition, blob_id=blob_id, small=small)
        self.blobs.remove(garbage)
        return info

    def replace(
        self,
        db: sqlite3.Connection,
        info: ObjectInfo,
        condition: Condition | None,
        blob_id: str | None = None,
        small: bytes | None = None,
        upload_id: str | None = None,
    ) -> list[str]:
        """Write an object's row within a transaction; return the blobs to remove after it."""
        self.buckets.get(info.bucket)
        old = self._find(db, info.bucket, info.key)
        if condition:
            condition(ObjectInfo.from_row(old) if old else None)
        db.execute(
            "INSERT OR REPLACE INTO s3_objects VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
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

    def delete(self, bucket: str, key: str, condition: Condition | None = None) -> None:
        """Remove the object if it is there. Raises: NoSuchBucket."""
        with self._store.transaction() as db:
            self.buckets.get(bucket)
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
