"""A job's output lines: to its log stream in batches, and its metrics to CloudWatch."""

from datetime import datetime, timezone
from typing import Any

from maze_helpers.local_cloud.engine.log_writer import Line, LogWriter
from maze_helpers.local_cloud.engine.metric_scraper import MetricScraper
from maze_helpers.local_cloud.services.cloudwatch import Datum, MetricStore
from maze_helpers.local_cloud.services.logs import LogStore


class JobLog(LogWriter):
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
        self._metrics = metrics
        self._namespace = group
        self._dimensions = dimensions
        self._scraper = scraper
        self._final: dict[str, tuple[float, float]] = {}
        super().__init__(logs, group, stream)

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

    def store(self, batch: list[Line]) -> None:
        """Store lines, which come after all those before, and what metrics they show."""
        events: list[tuple[int, str]] = []
        data: list[Datum] = []
        for time_s, line in batch:
            events.append((self.ordered_ms(time_s), line))
            for name, value in self._scraper.scrape(line):
                self._final[name] = (time_s, value)
                data.append(Datum.of(name, self._dimensions, value, time_s))
        while self._scraper.warnings:
            events.append((self.last_ms, f"WARNING: {self._scraper.warnings.pop(0)}"))
        self.put(events)
        if data:
            self._metrics.put_many(self._namespace, data)
