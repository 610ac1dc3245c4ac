"""The metric that a target tracking policy tracks, and its datapoints, one a minute."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from maze_helpers.local_cloud.engine.hosting.invocation_metrics import NAMESPACE
from maze_helpers.local_cloud.engine.hosting.scaling_rules import LOW_DATAPOINTS, MINUTE_S
from maze_helpers.local_cloud.services.cloudwatch import MetricStore
from maze_helpers.local_cloud.services.cloudwatch.statistics import by_period, statistic

# What is measured in a second is in the store by then.
DELAY_S = 1.5
# Others publish at CloudWatch's pace, which is a datapoint in sixty seconds at most.
_PUBLISHED_S = 60
_FRESH_S = 2 * _PUBLISHED_S


@dataclass(frozen=True)
class TrackedMetric:
    """A metric and the statistic of it that counts. unit: None for any."""

    namespace: str
    name: str
    statistic: str
    dimensions: Mapping[str, str]
    unit: str | None = None
    is_predefined: bool = False


def tracked_metric(configuration: dict[str, Any], endpoint: str, variant: str) -> TrackedMetric:
    """Return what a TargetTrackingScalingPolicyConfiguration of a variant tracks."""
    custom = configuration.get("CustomizedMetricSpecification")
    if custom:
        return TrackedMetric(
            namespace=custom["Namespace"],
            name=custom["MetricName"],
            statistic=custom["Statistic"],
            dimensions={item["Name"]: item["Value"] for item in custom.get("Dimensions", [])},
            unit=custom.get("Unit"),
        )
    # Source: SageMaker guide, "Automatic scaling": invocations in a minute, of one instance.
    return TrackedMetric(
        namespace=NAMESPACE,
        name="InvocationsPerInstance",
        statistic="Sum",
        dimensions={"EndpointName": endpoint, "VariantName": variant},
        is_predefined=True,
    )


def datapoints(
    store: MetricStore, metric: TrackedMetric, since_s: float, now_s: float
) -> list[float]:
    """Return a metric's last datapoints, one a whole minute, the oldest first.

    since_s: none is of before. A minute without invocations counts as 0 (source: SageMaker guide,
    "Scale-in"). Of other metrics, minutes without data are left out; there is no datapoint at all
    where the last is too old.
    """
    end_s = int((now_s - DELAY_S) // MINUTE_S) * MINUTE_S
    step_s = MINUTE_S if metric.is_predefined else _PUBLISHED_S
    first_s = -int(-since_s // MINUTE_S) * MINUTE_S
    start_s = max(end_s - LOW_DATAPOINTS * step_s, first_s)
    found = _by_minute(store, metric, start_s, end_s)
    if metric.is_predefined:
        return [found.get(at_s, 0.0) for at_s in range(start_s, end_s, MINUTE_S)]
    if not found or max(found) < end_s - _FRESH_S:
        return []
    return [found[at_s] for at_s in sorted(found)][-LOW_DATAPOINTS:]


def _by_minute(
    store: MetricStore, metric: TrackedMetric, start_s: int, end_s: int
) -> dict[int, float]:
    metric_id = store.find(metric.namespace, metric.name, metric.dimensions)
    if metric_id is None or start_s >= end_s:
        return {}
    samples = (
        sample
        for sample in store.samples(metric_id, start_s, end_s)
        if metric.unit in (None, sample.unit)
    )
    values = {
        at_s: statistic(metric.statistic, group)
        for at_s, group in by_period(samples, start_s, MINUTE_S)
    }
    return {at_s: value for at_s, value in values.items() if value is not None}
