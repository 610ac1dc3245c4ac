"""Metrics of invocations: what is recorded is what CloudWatch's store holds."""

import threading
import time
from collections import defaultdict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maze_helpers.local_cloud.clock import Clock
from maze_helpers.local_cloud.engine.hosting.invocation_metrics import (
    NAMESPACE,
    InvocationMetrics,
)
from maze_helpers.local_cloud.services.cloudwatch import MetricStore
from maze_helpers.local_cloud.store import Store

RECORDS = st.tuples(
    st.integers(0, 3),
    st.sampled_from(["a", "b"]),
    st.sampled_from(["", "one", "two"]),
    st.dictionaries(
        st.sampled_from(["Invocations", "ModelLatency", "OverheadLatency"]), st.integers(0, 10**6)
    ),
)


class SetClock(Clock):
    """A clock that a test sets."""

    now_s = 1_700_000_000.0

    def time_s(self) -> float:
        return self.now_s


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    store = Store(tmp_path_factory.mktemp("metrics") / "cloud.db")
    yield MetricStore(store, Clock())
    store.close()


def samples(store: MetricStore, name: str, dimensions: dict[str, str]) -> list[tuple]:
    metric_id = store.find(NAMESPACE, name, dimensions)
    return [] if metric_id is None else [tuple(found) for found in store.samples(metric_id, 0, 2e9)]


def dimensions_of(endpoint: str, variant: str) -> dict[str, str]:
    return {"EndpointName": endpoint} | ({"VariantName": variant} if variant else {})


def test_a_seconds_samples_are_stored_as_one_datum(store):
    metrics = InvocationMetrics(store, SetClock())
    for latency_us in (30.0, 10.0, 20.0):
        metrics.record("one-datum", "v", {"ModelLatency": latency_us, "Invocations": 1})
    metrics.close()
    dimensions = dimensions_of("one-datum", "v")
    at = 1_700_000_000
    assert samples(store, "ModelLatency", dimensions) == [(at, "Microseconds", 3, 60, 10, 30)]
    assert samples(store, "Invocations", dimensions) == [(at, "None", 3, 3, 1, 1)]


def test_what_is_recorded_is_stored_without_being_asked(store):
    metrics = InvocationMetrics(store, SetClock())
    for second in range(2):
        metrics.record("unasked", "", {f"Metric{second}": 1})
        deadline = time.monotonic() + 30
        while not samples(store, f"Metric{second}", {"EndpointName": "unasked"}):
            assert time.monotonic() < deadline
            time.sleep(0.02)
    metrics.close()


def test_threads_that_record_at_once_lose_nothing(store):
    metrics = InvocationMetrics(store, Clock())

    def record():
        for _ in range(2000):
            metrics.record("threads", "v", {"Invocations": 1})

    threads = [threading.Thread(target=record) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    metrics.close()
    found = samples(store, "Invocations", dimensions_of("threads", "v"))
    assert sum(datum[2] for datum in found) == sum(datum[3] for datum in found) == 16_000


@given(records=st.lists(RECORDS, max_size=30), flushes=st.sets(st.integers(0, 30)))
def test_sums_and_extremes_are_those_of_what_was_recorded(tmp_path_factory, records, flushes):
    raw = Store(tmp_path_factory.mktemp("metrics") / "cloud.db")
    store, clock = MetricStore(raw, Clock()), SetClock()
    metrics = InvocationMetrics(store, clock)
    expected = defaultdict(list)
    for number, (second, endpoint, variant, values) in enumerate(records):
        clock.now_s = 1_700_000_000.5 + second
        metrics.record(endpoint, variant, values)
        for name, value in values.items():
            expected[name, endpoint, variant].append((1_700_000_000 + second, value))
        if number in flushes:
            metrics.flush()
    metrics.close()
    for (name, endpoint, variant), recorded in expected.items():
        found = samples(store, name, dimensions_of(endpoint, variant))
        for second in {second for second, _ in recorded}:
            values = [value for at, value in recorded if at == second]
            data = [datum[2:] for datum in found if datum[0] == second]
            count, total, least, most = zip(*data, strict=True)
            assert (sum(count), sum(total)) == (len(values), sum(values))
            assert (min(least), max(most)) == (min(values), max(values))
    raw.close()
