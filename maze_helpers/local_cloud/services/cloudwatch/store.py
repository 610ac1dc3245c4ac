"""Metrics and their data points, kept in the database at the resolution they came in."""

import json
import math
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from typing import NamedTuple

from maze_helpers.local_cloud.clock import Clock
from maze_helpers.local_cloud.store import Store

SCHEMA = """
CREATE TABLE IF NOT EXISTS metrics (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    namespace TEXT NOT NULL,
    name TEXT NOT NULL,
    dimensions TEXT NOT NULL,
    last_s REAL NOT NULL,
    UNIQUE (namespace, name, dimensions)
);
CREATE TABLE IF NOT EXISTS metric_data (
    metric_id INTEGER NOT NULL REFERENCES metrics ON DELETE CASCADE,
    timestamp_s INTEGER NOT NULL,
    sequence INTEGER NOT NULL,
    unit TEXT NOT NULL,
    sample_count REAL NOT NULL,
    sum REAL NOT NULL,
    minimum REAL NOT NULL,
    maximum REAL NOT NULL,
    PRIMARY KEY (metric_id, timestamp_s, sequence)
) WITHOUT ROWID;
"""
HIGH_RESOLUTION_S = 1
STANDARD_RESOLUTION_S = 60


class Metric(NamedTuple):
    """A metric. last_s: the time of its latest data point, in seconds since the epoch."""

    id: int
    namespace: str
    name: str
    dimensions: dict[str, str]
    last_s: float


class Samples(NamedTuple):
    """Samples that came together: how many, their sum, the least and the greatest."""

    timestamp_s: int
    unit: str
    sample_count: float
    sum: float
    minimum: float
    maximum: float


@dataclass(frozen=True)
class Datum:
    """Samples of one metric at one moment, as their count, sum, minimum and maximum.

    timestamp_s: seconds since the epoch. storage_resolution_s: 1, or 60 for a standard metric.
    """

    metric_name: str
    dimensions: Mapping[str, str]
    timestamp_s: float
    sample_count: float
    sum: float
    minimum: float
    maximum: float
    unit: str = "None"
    storage_resolution_s: int = HIGH_RESOLUTION_S

    @classmethod
    def of(
        cls,
        metric_name: str,
        dimensions: Mapping[str, str],
        value: float,
        timestamp_s: float,
        unit: str = "None",
        storage_resolution_s: int = HIGH_RESOLUTION_S,
        count: float = 1,
    ) -> "Datum":
        """Return the datum of one value, seen once or `count` times."""
        return cls(
            metric_name=metric_name,
            dimensions=dimensions,
            timestamp_s=timestamp_s,
            sample_count=count,
            sum=value * count,
            minimum=value,
            maximum=value,
            unit=unit,
            storage_resolution_s=storage_resolution_s,
        )


def dimensions_key(dimensions: Mapping[str, str]) -> str:
    """Return the text that identifies a set of dimensions, whatever their order."""
    return json.dumps(sorted(dimensions.items()))


class MetricStore:
    """Every metric and data point.

    # Differs from AWS: nothing is thinned out or forgotten with age.
    """

    def __init__(self, store: Store, clock: Clock) -> None:
        self.store = store
        self.clock = clock
        store.create_tables(SCHEMA)

    def put(
        self,
        namespace: str,
        metric_name: str,
        dimensions: Mapping[str, str],
        value: float,
        timestamp_s: float,
        unit: str = "None",
    ) -> None:
        """Record one value of a high-resolution metric."""
        self.put_many(namespace, [Datum.of(metric_name, dimensions, value, timestamp_s, unit)])

    def put_many(self, namespace: str, data: Iterable[Datum]) -> None:
        """Record data of one namespace, all of it or none.

        What is not finite is left out: CloudWatch has no such values.
        """
        with self.store.transaction() as db:
            for datum in data:
                if math.isfinite(datum.sum):
                    self._insert(db, namespace, datum)

    def _insert(self, db: sqlite3.Connection, namespace: str, datum: Datum) -> None:
        resolution_s = datum.storage_resolution_s
        timestamp_s = int(datum.timestamp_s // resolution_s) * resolution_s
        identity = (namespace, datum.metric_name, dimensions_key(datum.dimensions))
        db.execute(
            """INSERT INTO metrics (namespace, name, dimensions, last_s) VALUES (?, ?, ?, ?)
            ON CONFLICT (namespace, name, dimensions)
            DO UPDATE SET last_s = MAX(last_s, excluded.last_s)""",
            (*identity, timestamp_s),
        )
        metric_id = self._find_id(db, identity)
        db.execute(
            """INSERT INTO metric_data VALUES (:id, :at, (
                SELECT COALESCE(MAX(sequence), 0) + 1 FROM metric_data
                WHERE metric_id = :id AND timestamp_s = :at
            ), :unit, :count, :sum, :minimum, :maximum)""",
            {
                "id": metric_id,
                "at": timestamp_s,
                "unit": datum.unit,
                "count": datum.sample_count,
                "sum": datum.sum,
                "minimum": datum.minimum,
                "maximum": datum.maximum,
            },
        )

    def _find_id(self, db: sqlite3.Connection, identity: tuple[str, str, str]) -> int | None:
        row = db.execute(
            "SELECT id FROM metrics WHERE namespace = ? AND name = ? AND dimensions = ?", identity
        ).fetchone()
        return row["id"] if row else None

    def find(self, namespace: str, metric_name: str, dimensions: Mapping[str, str]) -> int | None:
        """Return the id of the metric that has exactly these dimensions, or None."""
        identity = (namespace, metric_name, dimensions_key(dimensions))
        return self._find_id(self.store.connection, identity)

    def metrics(
        self, namespace: str | None, metric_name: str | None, after: int
    ) -> Iterator[Metric]:
        """Yield metrics in the order in which they came, from the first one after an id.

        namespace, metric_name: None for any.
        """
        rows = self.store.connection.execute(
            """SELECT * FROM metrics WHERE id > :after
            AND (:namespace IS NULL OR namespace = :namespace)
            AND (:name IS NULL OR name = :name) ORDER BY id""",
            {"after": after, "namespace": namespace, "name": metric_name},
        )
        with closing(rows):
            for row in rows:
                dimensions = dict(json.loads(row["dimensions"]))
                yield Metric(row["id"], row["namespace"], row["name"], dimensions, row["last_s"])

    def samples(self, metric_id: int, start_s: float, end_s: float) -> Iterator[Samples]:
        """Yield a metric's data from a time on, up to but without another, in order of time."""
        rows = self.store.connection.execute(
            """SELECT timestamp_s, unit, sample_count, sum, minimum, maximum FROM metric_data
            WHERE metric_id = ? AND timestamp_s >= ? AND timestamp_s < ?
            ORDER BY timestamp_s, sequence""",
            (metric_id, start_s, end_s),
        )
        with closing(rows):
            yield from map(Samples._make, rows)
