"""CloudWatch metrics."""

from maze_helpers.local_cloud.services.cloudwatch.service import CloudWatch
from maze_helpers.local_cloud.services.cloudwatch.store import Datum, MetricStore

__all__ = ["CloudWatch", "Datum", "MetricStore"]
