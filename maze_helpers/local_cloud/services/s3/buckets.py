"""The buckets: their names, where they say they are, and when they were made."""

import sqlite3

from maze_helpers.local_cloud.clock import Clock
from maze_helpers.local_cloud.services.s3.errors import NoSuchBucket
from maze_helpers.local_cloud.store import Store

HOME_REGION = "us-east-1"


class Buckets:
    """The buckets of the one account that there is."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    def create(self, name: str, region: str = HOME_REGION) -> bool:
        """Make the bucket unless it is there; return whether it was made."""
        with self._store.transaction() as db:
            cursor = db.execute(
                "INSERT OR IGNORE INTO s3_buckets (name, region, created_at) VALUES (?, ?, ?)",
                (name, region, self._clock.time_s()),
            )
        return cursor.rowcount == 1

    def find(self, name: str) -> sqlite3.Row | None:
        """Return the bucket's row, or None."""
        return self._store.connection.execute(
            "SELECT * FROM s3_buckets WHERE name = ?", (name,)
        ).fetchone()

    def get(self, name: str) -> sqlite3.Row:
        """Return the bucket's row. Raises: NoSuchBucket."""
        row = self.find(name)
        if row is None:
            raise NoSuchBucket(BucketName=name)
        return row
