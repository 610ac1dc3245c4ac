"""The requests of asynchronous endpoints: acknowledged once they are in the database."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from maze_helpers.local_cloud.store import Store

# An endpoint takes its requests with it when it is deleted.
SCHEMA = """
CREATE TABLE IF NOT EXISTS sagemaker_async_requests (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    endpoint_arn TEXT NOT NULL REFERENCES sagemaker_resources (arn) ON DELETE CASCADE,
    endpoint TEXT NOT NULL,
    received_s REAL NOT NULL,
    document TEXT NOT NULL,
    body BLOB
);
CREATE INDEX IF NOT EXISTS sagemaker_async_requests_by_endpoint
    ON sagemaker_async_requests (endpoint_arn, id);
"""


@dataclass(frozen=True)
class AsyncRequest:
    """A request for an asynchronous endpoint.

    received_s: seconds since the epoch. headers: as they go to the container. input_location: an
    S3 URI, None where the body came with the request. failure_location: None where failures are
    not kept. ttl_s: how long it may wait in the queue.
    """

    endpoint: str
    received_s: float
    headers: Mapping[str, str]
    input_location: str | None
    body: bytes | None
    output_location: str
    failure_location: str | None
    ttl_s: float
    timeout_s: float

    @property
    def expires_s(self) -> float:
        """When it has waited too long, in seconds since the epoch."""
        return self.received_s + self.ttl_s


@dataclass(frozen=True)
class Backlog:
    """An endpoint's requests that have no answer yet. oldest_s: when the first of them came."""

    endpoint: str
    size: int
    oldest_s: float


class AsyncQueue:
    """The requests that have no answer yet, in the order in which they came."""

    def __init__(self, store: Store) -> None:
        self._store = store
        store.create_tables(SCHEMA)

    def put(self, endpoint_arn: str, request: AsyncRequest) -> bool:
        """Add a request; return whether its endpoint is there."""
        members = vars(request).copy()
        columns = [members.pop(name) for name in ("endpoint", "received_s", "body")]
        try:
            with self._store.transaction() as db:
                db.execute(
                    """INSERT INTO sagemaker_async_requests
                    (endpoint_arn, endpoint, received_s, body, document) VALUES (?, ?, ?, ?, ?)""",
                    (endpoint_arn, *columns, json.dumps(members)),
                )
        except sqlite3.IntegrityError:
            return False
        return True

    def remove(self, request_id: int) -> None:
        """Remove a request that has its answer."""
        with self._store.transaction() as db:
            db.execute("DELETE FROM sagemaker_async_requests WHERE id = ?", (request_id,))

    def ids(self) -> set[int]:
        """Return the ids of all requests."""
        rows = self._store.connection.execute("SELECT id FROM sagemaker_async_requests")
        return {row["id"] for row in rows}

    def backlogs(self) -> list[Backlog]:
        """Return the endpoints that have requests."""
        rows = self._store.connection.execute(
            """SELECT endpoint, COUNT(*), MIN(received_s) FROM sagemaker_async_requests
            GROUP BY endpoint_arn"""
        )
        return [Backlog(*row) for row in rows]

    def next(self, endpoint: str, count: int, left_out: Iterable[int]) -> dict[int, AsyncRequest]:
        """Return an endpoint's first requests by their ids, but for some of them."""
        marks = ",".join(str(int(request_id)) for request_id in left_out)
        rows = self._store.connection.execute(
            f"""SELECT * FROM sagemaker_async_requests WHERE endpoint = ? AND id NOT IN ({marks})
            ORDER BY id LIMIT ?""",
            (endpoint, count),
        )
        return {row["id"]: _request(row) for row in rows}


def _request(row: sqlite3.Row) -> AsyncRequest:
    columns = {name: row[name] for name in ("endpoint", "received_s", "body")}
    return AsyncRequest(**columns, **json.loads(row["document"]))
