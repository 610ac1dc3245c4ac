"""The buckets: their names, where they say they are, when they were made, their tags."""

import json
from collections.abc import Mapping
from dataclasses import dataclass

from maze_helpers.local_cloud.clock import Clock
from maze_helpers.local_cloud.services.s3.errors import (
    NoSuchBucket,
)
from maze_helpers.local_cloud.store import Store

HOME_REGION = "us-east-1"


@dataclass(frozen=True)
class Bucket:
    """A bucket. created_at: seconds since the epoch."""

    name: str
    region: str
    created_at: float
    tags: Mapping[str, str]


class Buckets:
    """The buckets of the one account that there is."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    def create(
        self, name: str, region: str = HOME_REGION, tags: Mapping[str, str] | None = None
    ) -> bool:
        """Make the bucket unless it is there; return whether it was made."""
        with self._store.transaction() as db:
            cursor = db.execute(
                "INSERT OR IGNORE INTO s3_buckets VALUES (?, ?, ?, ?)",
                (name, region, self._clock.time_s(), json.dumps(tags or {})),
            )
        return cursor.rowcount == 1

    def find(self, name: str) -> Bucket | None:
        """Return the bucket, or None."""
        found = self.all(prefix=name, limit=1)
        return found[0] if found and found[0].name == name else None

    def get(self, name: str) -> Bucket:
        """Return the bucket. Raises: NoSuchBucket."""
        bucket = self.find(name)
        if bucket is None:
            raise NoSuchBucket(BucketName=name)
        return bucket

    def require(self, name: str) -> None:
        """Raise NoSuchBucket unless the bucket is there."""
        found = self._store.connection.execute("SELECT 1 FROM s3_buckets WHERE name = ?", (name,))
        if found.fetchone() is None:
            raise NoSuchBucket(BucketName=name)

    def all(self, prefix: str = "", after: str = "", limit: int = -1) -> list[Bucket]:
        """Return the buckets whose names begin with the prefix and come after one, in order."""
        rows = self._store.connection.execute(
            "SELECT * FROM s3_buckets WHERE name > ? AND name >= ? AND name < ?"
            " ORDER BY name LIMIT ?",
            (after, prefix, prefix + "\x7f", limit),
        )
        return [
            Bucket(row["name"], row["region"], row["created_at"], json.loads(row["tags"]))
            for row in rows
        ]

    def set_tags(self, name: str, tags: Mapping[str, str]) -> None:
        """Replace the bucket's tags. Raises: NoSuchBucket."""
        with self._store.transaction() as db:
            self.get(name)
            db.execute("UPDATE s3_buckets SET tags = ? WHERE name = ?", (json.dumps(tags), name))
