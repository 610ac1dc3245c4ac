"""Metrics and their data points, kept in the database at the resolution they came in."""

import json
import sqlite3
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

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
        """Record data of one namespace, all of it or none."""
        with self.store.transaction() as db:
            for datum in data:
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
