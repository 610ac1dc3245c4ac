"""A handler's own metrics: `context.metrics`, whose values end up in the log."""

from __future__ import annotations

import logging
from typing import Any

_log = logging.getLogger("model_metrics")


class Metrics:
    """Writes lines such as "Rows.Count:3|#ModelName:model,Level:Model".

    As on AWS, the log is all they reach: CloudWatch gets them by a metric filter.
    """

    def __init__(self, model_name: str) -> None:
        self._dimensions = f"#ModelName:{model_name},Level:Model"

    def add_counter(self, name: str, value: float, idx: Any = None, dimensions: Any = None) -> None:
        """Log a count."""
        self.add_metric(name, value, "Count")

    def add_time(
        self, name: str, value: float, idx: Any = None, unit: str = "ms", dimensions: Any = None
    ) -> None:
        """Log a duration, in "ms" or "s"."""
        self.add_metric(name, value, {"ms": "Milliseconds", "s": "Seconds"}[unit])

    def add_size(
        self, name: str, value: float, idx: Any = None, unit: str = "MB", dimensions: Any = None
    ) -> None:
        """Log a size, in "GB", "MB", "kB" or "B"."""
        units = {"GB": "Gigabytes", "MB": "Megabytes", "kB": "Kilobytes", "B": "Bytes"}
        self.add_metric(name, value, units[unit])

    def add_percent(self, name: str, value: float, idx: Any = None, dimensions: Any = None) -> None:
        """Log a share of 100."""
        self.add_metric(name, value, "Percent")

    def add_error(self, name: str, value: Any, dimensions: Any = None) -> None:
        """Log an error."""
        self.add_metric(name, value, "")

    def add_metric(
        self,
        name: str,
        value: Any,
        unit: str,
        idx: Any = None,
        dimensions: Any = None,
        metric_type: Any = None,
    ) -> None:
        """Log a value of any unit."""
        _log.info("%s.%s:%s|%s", name, unit or "unit", value, self._dimensions)
