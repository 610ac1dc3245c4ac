"""The metric store and the statistics, against what plain Python makes of the same numbers."""

import math
import statistics as plain
import uuid
from collections.abc import Iterator
from contextlib import closing

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from maze_helpers.local_cloud.clock import Clock
from maze_helpers.local_cloud.services.cloudwatch.statistics import by_period, statistic
from maze_helpers.local_cloud.services.cloudwatch.store import Datum, MetricStore, Samples
from maze_helpers.local_cloud.store import Store

START_S = 1_700_000_000
VALUES = st.floats(0, 1000)


@pytest.fixture(scope="module")
def metrics(tmp_path_factory) -> Iterator[MetricStore]:
    with closing(Store(tmp_path_factory.mktemp("metrics") / "cloud.db")) as store:
        yield MetricStore(store, Clock())


def all_samples(metrics, namespace, name="m", dimensions=None):
    metric_id = metrics.find(namespace, name, dimensions or {})
    return [] if metric_id is None else list(metrics.samples(metric_id, 0, 2**40))


def sample(value: float) -> Samples:
    """Return one value's sample."""
    return Samples(START_S, "None", 1, value, value, value)


def test_a_value_keeps_its_second(metrics):
    metrics.put("seconds", "m", {"a": "b"}, 0.5, START_S + 0.9)
    (found,) = all_samples(metrics, "seconds", dimensions={"a": "b"})
    assert (found.timestamp_s, found.sum, found.unit) == (START_S, 0.5, "None")


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_what_is_not_finite_is_left_out(metrics, value):
    metrics.put("finite", "m", {}, value, START_S)
    assert all_samples(metrics, "finite") == []


def test_values_of_one_second_are_all_kept(metrics):
    metrics.put_many("many", [Datum.of("m", {}, value, START_S) for value in (1, 1, 2)])
    assert [found.sum for found in all_samples(metrics, "many")] == [1, 1, 2]


@settings(deadline=None, max_examples=50)
@given(
    data=st.lists(st.tuples(st.integers(0, 600), VALUES), min_size=1, max_size=30),
    period_s=st.sampled_from([1, 5, 60, 120, 300]),
)
def test_statistics_are_those_of_the_values_of_each_period(metrics, data, period_s):
    namespace = uuid.uuid4().hex
    metrics.put_many(namespace, [Datum.of("m", {}, v, START_S + offset) for offset, v in data])
    samples = all_samples(metrics, namespace)
    found = {
        start_s: [statistic(name, group) for name in ("SampleCount", "Sum", "Minimum", "p100")]
        for start_s, group in by_period(samples, START_S, period_s)
    }
    expected: dict[int, list[float]] = {}
    for offset, value in sorted(data):
        expected.setdefault(START_S + offset // period_s * period_s, []).append(value)
    assert list(found) == sorted(expected)
    for start_s, values in expected.items():
        sums = [len(values), pytest.approx(sum(values)), min(values), max(values)]
        assert found[start_s] == sums


@given(st.lists(VALUES, min_size=1), st.floats(0, 100))
def test_a_percentile_is_a_value_with_its_share_at_or_below(values, percent):
    found = statistic(f"p{percent:.4f}", [sample(value) for value in values])
    assert found in values
    assert sum(value <= found for value in values) >= len(values) * percent / 100 - 1e-3
    assert sum(value < found for value in values) <= len(values) * percent / 100 + 1e-3


@given(st.lists(VALUES, min_size=1))
def test_the_median_of_odd_many_is_p50(values):
    odd = values if len(values) % 2 else values[1:] or values
    if len(odd) % 2:
        assert statistic("p50", [sample(value) for value in odd]) == plain.median(odd)
