"""Tests of the datapoints that auto scaling looks at."""

import pytest

from maze_helpers.local_cloud.clock import Clock
from maze_helpers.local_cloud.engine.hosting.scaling_metrics import (
    DELAY_S,
    datapoints,
    tracked_metric,
)
from maze_helpers.local_cloud.engine.hosting.scaling_rules import LOW_DATAPOINTS, MINUTE_S
from maze_helpers.local_cloud.services.cloudwatch import Datum, MetricStore
from maze_helpers.local_cloud.store import Store

PREDEFINED = {"PredefinedMetricSpecification": {"PredefinedMetricType": "…"}}
CUSTOM = {
    "CustomizedMetricSpecification": {
        "Namespace": "Mine",
        "MetricName": "Load",
        "Statistic": "Average",
        "Dimensions": [{"Name": "EndpointName", "Value": "e"}],
        "Unit": "Percent",
    }
}
# A whole number of minutes, of any length that a minute may have.
BEGAN_S = 3600 * 500_000


@pytest.fixture
def metrics(tmp_path):
    """A store of metrics of its own."""
    store = Store(tmp_path / "cloud.db")
    yield MetricStore(store, Clock())
    store.close()


def invocation(at_s, share=1.0):
    dimensions = {"EndpointName": "e", "VariantName": "v"}
    return Datum.of("InvocationsPerInstance", dimensions, share, at_s)


def invoked(metrics, minutes, **more):
    """Return the datapoints at the end of so many minutes."""
    metric = tracked_metric(PREDEFINED, "e", "v")
    now_s = BEGAN_S + minutes * MINUTE_S + DELAY_S
    return datapoints(metrics, metric, more.get("since_s", BEGAN_S), now_s)


def test_invocations_of_a_minute_are_added_up_and_silence_is_zero(metrics):
    data = [
        invocation(BEGAN_S),
        invocation(BEGAN_S + MINUTE_S - 1, 0.5),
        invocation(BEGAN_S + 2 * MINUTE_S),
    ]
    metrics.put_many("AWS/SageMaker", data)
    assert invoked(metrics, 4) == [1.5, 0, 1, 0]


def test_a_minute_counts_once_it_is_over_and_stored(metrics):
    metrics.put_many("AWS/SageMaker", [invocation(BEGAN_S)])
    metric = tracked_metric(PREDEFINED, "e", "v")
    end_s = BEGAN_S + MINUTE_S + DELAY_S
    assert datapoints(metrics, metric, BEGAN_S, end_s - 0.1) == []
    assert datapoints(metrics, metric, BEGAN_S, end_s) == [1]


def test_nothing_counts_of_before(metrics):
    metrics.put_many("AWS/SageMaker", [invocation(BEGAN_S), invocation(BEGAN_S + MINUTE_S)])
    assert invoked(metrics, 3, since_s=BEGAN_S + 1) == [1, 0]
    assert invoked(metrics, 3, since_s=BEGAN_S + 3 * MINUTE_S) == []


@pytest.mark.parametrize("minutes", [0, 1, LOW_DATAPOINTS - 1, LOW_DATAPOINTS, 40])
def test_there_are_as_many_datapoints_as_minutes_up_to_the_most_that_are_asked(metrics, minutes):
    assert invoked(metrics, minutes) == [0.0] * min(minutes, LOW_DATAPOINTS)


def load(at_s, value, unit="Percent"):
    return Datum.of("Load", {"EndpointName": "e"}, value, at_s, unit)


def test_of_another_metric_silence_is_nothing(metrics):
    data = [
        load(BEGAN_S, 10),
        load(BEGAN_S + 60, 20),
        load(BEGAN_S + 60, 40),
        load(BEGAN_S, 1, "s"),
    ]
    metrics.put_many("Mine", data)
    metric = tracked_metric(CUSTOM, "e", "v")
    assert datapoints(metrics, metric, BEGAN_S, BEGAN_S + 150) == [10, 30]


def test_of_another_metric_that_ended_nothing_counts(metrics):
    metrics.put_many("Mine", [load(BEGAN_S, 10)])
    metric = tracked_metric(CUSTOM, "e", "v")
    assert datapoints(metrics, metric, BEGAN_S, BEGAN_S + 1000) == []
