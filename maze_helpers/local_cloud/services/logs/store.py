"""Log groups, streams and events, kept in the database and read by position, never by offset."""

import heapq
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from operator import itemgetter
from typing import NamedTuple

from maze_helpers.local_cloud.clock import Clock
from maze_helpers.local_cloud.store import Store

SCHEMA = """
CREATE TABLE IF NOT EXISTS log_groups (
    name TEXT PRIMARY KEY,
    created_ms INTEGER NOT NULL,
    retention_days INTEGER,
    attributes TEXT NOT NULL DEFAULT '{}',
    tags TEXT NOT NULL DEFAULT '{}'
);
CREATE TABLE IF NOT EXISTS log_streams (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    group_name TEXT NOT NULL REFERENCES log_groups ON DELETE CASCADE,
    name TEXT NOT NULL,
    created_ms INTEGER NOT NULL,
    first_event_ms INTEGER,
    last_event_ms INTEGER,
    last_ingestion_ms INTEGER,
    stored_bytes INTEGER NOT NULL DEFAULT 0,
    last_sequence INTEGER NOT NULL DEFAULT 0,
    UNIQUE (group_name, name)
);
CREATE INDEX IF NOT EXISTS log_streams_by_last_event
    ON log_streams (group_name, COALESCE(last_event_ms, -1), name);
CREATE TABLE IF NOT EXISTS log_events (
    stream_id INTEGER NOT NULL REFERENCES log_streams ON DELETE CASCADE,
    timestamp_ms INTEGER NOT NULL,
    sequence INTEGER NOT NULL,
    ingestion_ms INTEGER NOT NULL,
    message TEXT NOT NULL,
    PRIMARY KEY (stream_id, timestamp_ms, sequence)
) WITHOUT ROWID;
"""
MS_PER_DAY = 86_400_000

# Sorts behind everything that continues a prefix.
LAST_CHARACTER = "\U0010ffff"

# What AWS adds to an event's message when it counts bytes (PutLogEvents, Quotas).
EVENT_OVERHEAD_BYTES = 26


class Position(NamedTuple):
    """A place between the events of a stream: after every event that sorts up to it.

    Sequences start at 1, so a sequence of 0 is before all events of that millisecond.
    """

    timestamp_ms: int
    sequence: int


START = Position(0, 0)
END = Position(2**62, 0)


class Event(NamedTuple):
    """One log event. sequence: counts the events of its stream in order of arrival."""

    timestamp_ms: int
    stream_id: int
    sequence: int
    ingestion_ms: int
    message: str

    @property
    def position(self) -> Position:
        """The event's place in its stream."""
        return Position(self.timestamp_ms, self.sequence)

    @property
    def size_bytes(self) -> int:
        """The size by which AWS counts the event."""
        return len(self.message.encode()) + EVENT_OVERHEAD_BYTES


EVENT_ORDER = itemgetter(0, 1, 2)


class LogStore:
    """Everything that was ever logged."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self.store = store
        self.clock = clock
        store.create_tables(SCHEMA)

    def now_ms(self) -> int:
        """Return milliseconds since the epoch."""
        return int(self.clock.time_s() * 1000)

    def put(self, group: str, stream: str, events: Sequence[tuple[int, str]]) -> None:
        """Append events, (timestamp in ms, message), making the group and stream as needed."""
        with self.store.transaction() as db:
            self._ensure_stream(db, group, stream)
            self.append(db, group, stream, events)

    def create_stream(self, group: str, stream: str) -> None:
        """Make a stream, and its group, where they are missing."""
        with self.store.transaction() as db:
            self._ensure_stream(db, group, stream)

    def _ensure_stream(self, db: sqlite3.Connection, group: str, stream: str) -> None:
        now_ms = self.now_ms()
        db.execute(
            "INSERT OR IGNORE INTO log_groups (name, created_ms) VALUES (?, ?)", (group, now_ms)
        )
        db.execute(
            "INSERT OR IGNORE INTO log_streams (group_name, name, created_ms) VALUES (?, ?, ?)",
            (group, stream, now_ms),
        )

    def append(
        self, db: sqlite3.Connection, group: str, stream: str, events: Sequence[tuple[int, str]]
    ) -> None:
        """Append events to a stream that is there, inside a transaction."""
        if not events:
            return
        row = db.execute(
            "SELECT id, last_sequence FROM log_streams WHERE group_name = ? AND name = ?",
            (group, stream),
        ).fetchone()
        stream_id, sequence = row["id"], row["last_sequence"]
        now_ms = self.now_ms()
        db.executemany(
            "INSERT INTO log_events VALUES (?, ?, ?, ?, ?)",
            (
                (stream_id, timestamp_ms, sequence + number, now_ms, message)
                for number, (timestamp_ms, message) in enumerate(events, 1)
            ),
        )
        timestamps = [timestamp_ms for timestamp_ms, _ in events]
        db.execute(
            """UPDATE log_streams SET
                first_event_ms = MIN(COALESCE(first_event_ms, :first), :first),
                last_event_ms = MAX(COALESCE(last_event_ms, :last), :last),
                last_ingestion_ms = :now,
                stored_bytes = stored_bytes + :size,
                last_sequence = last_sequence + :count
            WHERE id = :id""",
            {
                "first": min(timestamps),
                "last": max(timestamps),
                "now": now_ms,
                "size": sum(len(m.encode()) + EVENT_OVERHEAD_BYTES for _, m in events),
                "count": len(events),
                "id": stream_id,
            },
        )

    def group(self, name: str) -> sqlite3.Row | None:
        """Return a group's row, or None."""
        return self.store.connection.execute(
            "SELECT * FROM log_groups WHERE name = ?", (name,)
        ).fetchone()

    def stream(self, group: str, name: str) -> sqlite3.Row | None:
        """Return a stream's row, or None."""
        return self.store.connection.execute(
            "SELECT * FROM log_streams WHERE group_name = ? AND name = ?", (group, name)
        ).fetchone()

    def groups(self, prefix: str, after: str) -> Iterator[sqlite3.Row]:
        """Yield groups by name, with their stored_bytes, from the first one after a name."""
        cursor = self.store.connection.execute(
            """SELECT log_groups.*, (
                SELECT COALESCE(SUM(stored_bytes), 0) FROM log_streams
                WHERE group_name = log_groups.name
            ) AS stored_bytes
            FROM log_groups WHERE name > ? AND name >= ? AND name < ? ORDER BY name""",
            (after, prefix, prefix + LAST_CHARACTER),
        )
        with closing(cursor):
            yield from cursor

    def streams(
        self, group: str, prefix: str = "", after: str | None = None, descending: bool = False
    ) -> Iterator[sqlite3.Row]:
        """Yield a group's streams by name, from the first one past a name (None: the first)."""
        order, past = ("DESC", "<") if descending else ("ASC", ">")
        cursor = self.store.connection.execute(
            f"""SELECT * FROM log_streams
            WHERE group_name = :group AND name >= :prefix AND name < :end
            AND (:after IS NULL OR name {past} :after) ORDER BY name {order}""",
            {"group": group, "prefix": prefix, "end": prefix + LAST_CHARACTER, "after": after},
        )
        with closing(cursor):
            yield from cursor

    def streams_by_last_event(
        self, group: str, after: tuple[int, str] | None = None, descending: bool = False
    ) -> Iterator[sqlite3.Row]:
        """Yield a group's streams by the time of their last event, then by name.

        after: that time in ms, -1 for none, and the name of the stream before the first.
        """
        order, past = ("DESC", "<") if descending else ("ASC", ">")
        last_ms, name = after or (None, None)
        cursor = self.store.connection.execute(
            f"""SELECT * FROM log_streams WHERE group_name = :group
            AND (:name IS NULL OR (COALESCE(last_event_ms, -1), name) {past} (:last_ms, :name))
            ORDER BY COALESCE(last_event_ms, -1) {order}, name {order}""",
            {"group": group, "last_ms": last_ms, "name": name},
        )
        with closing(cursor):
            yield from cursor

    def events(
        self, stream_id: int, after: Position, before: Position, newest_first: bool = False
    ) -> Iterator[Event]:
        """Yield a stream's events between two positions, in order of time, then of arrival."""
        order = "DESC" if newest_first else "ASC"
        cursor = self.store.connection.execute(
            f"""SELECT timestamp_ms, stream_id, sequence, ingestion_ms, message FROM log_events
            WHERE stream_id = ? AND (timestamp_ms, sequence) > (?, ?)
            AND (timestamp_ms, sequence) < (?, ?)
            ORDER BY timestamp_ms {order}, sequence {order}""",
            (stream_id, *after, *before),
        )
        with closing(cursor):
            yield from map(Event._make, cursor)

    def merged_events(
        self, ranges: Iterable[tuple[int, Position, Position]], newest_first: bool = False
    ) -> Iterator[Event]:
        """Yield the events of several streams by time, then stream, then arrival.

        ranges: a stream's id and the two positions between which it is read.
        """
        readers = [self.events(*stream_range, newest_first) for stream_range in ranges]
        return heapq.merge(*readers, key=EVENT_ORDER, reverse=newest_first)
