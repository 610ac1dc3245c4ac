"""A job's output lines: to its log stream in batches, and its metrics to CloudWatch."""

import queue
import threading
import time
from datetime import datetime, timezone
from typing import Any

from maze_helpers.local_cloud.engine.metric_scraper import MetricScraper
from maze_helpers.local_cloud.services.cloudwatch import Datum, MetricStore
from maze_helpers.local_cloud.services.logs import LogStore

_BATCH_WAIT_S = 0.1
_BATCH_LINES = 5_000
# A script that prints faster than lines are stored waits at its next print.
_WAITING_LINES = 20_000

Line = tuple[float, str]


class JobLog:
    """Takes lines from a container and stores them on a thread of its own, in order."""

    def __init__(
        self,
        logs: LogStore,
        metrics: MetricStore,
        group: str,
        stream: str,
        dimensions: dict[str, str],
        scraper: MetricScraper,
    ) -> None:
        """Make the stream. Metrics go to the namespace of the group's name.

        Source: SageMaker guide, "Amazon SageMaker metrics in Amazon CloudWatch".
        """
        self._logs = logs
        self._metrics = metrics
        self._group = group
        self._stream = stream
        self._dimensions = dimensions
        self._scraper = scraper
        self._final: dict[str, tuple[float, float]] = {}
        self._error: Exception | None = None
        self._last_ms = logs.now_ms()
        self._lines: queue.Queue[Line | None] = queue.Queue(_WAITING_LINES)
        logs.create_stream(group, stream)
        self._thread = threading.Thread(target=self._store_batches, name=f"log of {stream}")
        self._thread.start()

    def add(self, time_s: float, line: str) -> None:
        """Take one line, without its end, printed at a moment in seconds since the epoch."""
        self._lines.put((time_s, line))

    def close(self) -> None:
        """Return when every line is stored.

        Raises: what storing them raised.
        """
        self._lines.put(None)
        self._thread.join()
        if self._error is not None:
            raise self._error

    def final_metrics(self) -> list[dict[str, Any]]:
        """Return each metric's last value, as FinalMetricDataList has them."""
        return [
            {
                "MetricName": name,
                "Value": value,
                "Timestamp": datetime.fromtimestamp(time_s, tz=timezone.utc),
            }
            for name, (time_s, value) in self._final.items()
        ]

    def _store_batches(self) -> None:
        ended = False
        while not ended:
            batch, ended = self._next_batch()
            if self._error is not None:
                continue  # Keep taking lines, so that the container is not held up.
            try:
                self._store(batch)
            except Exception as error:
                self._error = error

    def _next_batch(self) -> tuple[list[Line], bool]:
        """Return the lines of the next moment, and whether they are the last."""
        batch: list[Line] = []
        line = self._lines.get()
        deadline_s = time.monotonic() + _BATCH_WAIT_S
        while line is not None:
            batch.append(line)
            left_s = deadline_s - time.monotonic()
            if len(batch) == _BATCH_LINES or left_s <= 0:
                return batch, False
            try:
                line = self._lines.get(timeout=left_s)
            except queue.Empty:
                return batch, False
        return batch, True

    def _store(self, batch: list[Line]) -> None:
        events: list[tuple[int, str]] = []
        data: list[Datum] = []
        for time_s, line in batch:
            # Events are read back by their time: it must never run backwards.
            self._last_ms = max(self._last_ms, int(time_s * 1000))
            events.append((self._last_ms, line))
            for name, value in self._scraper.scrape(line):
                self._final[name] = (time_s, value)
                data.append(Datum.of(name, self._dimensions, value, time_s))
        while self._scraper.warnings:
            events.append((self._last_ms, f"WARNING: {self._scraper.warnings.pop(0)}"))
        self._logs.put(self._group, self._stream, events)
        if data:
            self._metrics.put_many(self._group, data)
