"""Load tests find what is so: each call counted once, with its own end and its own time."""

import threading
import time

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from load_target import LoadTarget, load_target

from maze_helpers.load_test import Endpoint, Url, closed, closed_loop, crew, open_loop
from maze_helpers.load_test.open import schedule
from maze_helpers.local_cloud.errors import MazeError

# What a behaviour of the target is to be called.
OUTCOME_OF = {
    "ok": "ok",
    "throttled": "throttled",
    "model error": "model error",
    "late model": "time-out",
    "other": "other: ValidationError",
    "reset": "connection",
    "stall": "time-out",
}
QUICK = sorted(set(OUTCOME_OF) - {"stall"})


@pytest.fixture(scope="module")
def target():
    with load_target() as server:
        yield server


@pytest.fixture
def endpoint(target: LoadTarget):
    target.prepare(lambda number: "ok")
    return Endpoint(target.client(), "digits")


def counted(result):
    return result.outcomes.to_dict()


@settings(max_examples=25)
@given(
    kinds=st.lists(st.sampled_from(QUICK), min_size=1, max_size=40),
    at_a_time=st.integers(min_value=1, max_value=12),
)
def test_every_call_is_counted_once_under_its_outcome(target, kinds, at_a_time):
    target.prepare(lambda number: kinds[number])
    result = closed_loop(Endpoint(target.client(), "digits"), b"1", len(kinds), at_a_time)
    expected = [OUTCOME_OF[kind] for kind in kinds]
    assert counted(result) == {name: expected.count(name) for name in set(expected)}
    assert list(result.calls.index) == list(range(len(kinds)))
    assert target.requests == len(kinds)
    assert target.most_under_way <= at_a_time


@settings(max_examples=10)
@given(calls=st.integers(1, 60), at_a_time=st.integers(1, 10), percent=st.floats(0, 100))
def test_percentiles_are_those_of_every_sample(target, calls, at_a_time, percent):
    target.prepare(lambda number: "ok")
    result = closed_loop(Endpoint(target.client(), "digits"), b"1", calls, at_a_time)
    took_ms = (result.calls["end"] - result.calls["planned"]).dt.total_seconds() * 1000
    assert np.allclose(result.calls["latency_ms"], took_ms, atol=1e-2)
    exact_ms = np.percentile(result.calls["latency_ms"], percent)
    assert result.percentile_ms(percent) == exact_ms
    assert result.summary.loc["all", "p99_ms"] == np.percentile(result.calls["latency_ms"], 99)


def test_a_stalled_answer_is_a_time_out_and_holds_up_no_other(target):
    ended = threading.Event()
    target.prepare(lambda number: "ok" if number or ended.wait(60) else "late")
    impatient = Endpoint(target.client(read_timeout=3), "digits")
    try:
        result = closed_loop(impatient, b"1", calls=30, at_a_time=3)
    finally:
        ended.set()
    assert counted(result) == {"ok": 29, "time-out": 1}
    (late,) = result.calls[result.calls["outcome"] == "time-out"].itertuples()
    assert late.latency_ms >= 3000
    assert "Read timeout" in late.detail


def test_an_error_keeps_its_status_and_its_text(target, endpoint):
    target.prepare(lambda number: "model error")
    row = closed_loop(endpoint, b"1", calls=1).calls.loc[0]
    assert row["status"] == 424
    assert "Received server error (500)" in row["detail"]


def test_nobody_listening_is_a_connection_error(target):
    with load_target() as gone:
        client = gone.client()
    result = closed_loop(Endpoint(client, "digits"), b"1", calls=3)
    assert counted(result) == {"connection": 3}
    assert result.calls["status"].isna().all()


def test_a_closed_loop_makes_so_many_calls_at_a_time(target):
    all_here = threading.Barrier(20)

    def wait_for_the_others(number: int) -> str:
        if number < 20:
            all_here.wait(timeout=30)
        return "ok"

    target.prepare(wait_for_the_others)
    patient = Endpoint(target.client(read_timeout=30), "digits")
    result = closed_loop(patient, b"1", calls=60, at_a_time=20)
    assert counted(result) == {"ok": 60}
    assert target.most_under_way == 20
    assert result.calls["start"].equals(result.calls["planned"])


def test_a_client_that_tries_again_is_refused(target):
    client = target.client(retries={"total_max_attempts": 3})
    with pytest.raises(MazeError, match="hides them"):
        closed_loop(Endpoint(client, "digits"), b"1", calls=1)


def test_a_client_with_too_few_connections_is_refused(target):
    with pytest.raises(MazeError, match="max_pool_connections=20"):
        closed_loop(Endpoint(target.client(connections=5), "d"), b"1", calls=50, at_a_time=20)


@pytest.mark.parametrize(
    ("kind", "outcome"),
    [("ok", "ok"), ("busy", "throttled"), ("broken", "other: HTTP 503"), ("reset", "connection")],
)
def test_a_url_is_called_as_it_is(target, kind, outcome):
    target.prepare(lambda number: kind)
    assert counted(closed_loop(target.url, b"1,2,3", calls=5)) == {outcome: 5}


def test_a_url_has_a_time_out_of_its_own(target):
    target.prepare(lambda number: "stall")
    result = closed_loop(Url(target.url, timeout_s=0.2), b"1", calls=2)
    assert counted(result) == {"time-out": 2}


def test_a_url_is_sent_all_of_a_text(target):
    target.prepare(lambda number: "echo")
    call = Url(target.url).prepare("zwölf ☃", connections=1)
    assert [call().name for _ in range(3)] == ["ok"] * 3
    assert target.sent == "zwölf ☃".encode()


@pytest.mark.parametrize("data", [pd.DataFrame([[1]]), [1, 2], None])
def test_data_that_is_no_bytes_is_refused_before_the_first_call(target, endpoint, data):
    for wants_bytes in (endpoint, target.url):
        with pytest.raises(MazeError, match="sends bytes or text, not a"):
            closed_loop(wants_bytes, data, calls=1)
    assert target.requests == 0


@pytest.mark.parametrize("wrong", ["digits", 7])
def test_what_cannot_be_called_is_refused(wrong):
    with pytest.raises(MazeError):
        closed_loop(wrong, b"1", calls=1)


@pytest.mark.parametrize(
    "numbers", [{"calls": 100_001}, {"calls": 0}, {"at_a_time": 201}, {"at_a_time": 0}]
)
def test_a_closed_loop_has_limits(endpoint, target, numbers):
    with pytest.raises(MazeError, match="choose between"):
        closed_loop(endpoint, b"1", **numbers)
    assert target.requests == 0


@pytest.mark.parametrize(
    "numbers",
    [
        {"rate": 1, "duration_s": 901},
        {"rate": 1000, "duration_s": 900},
        {"rate": 1, "max_under_way": 201},
        {"rate": 0.1, "duration_s": 1},
        {"rate": 5, "arrivals": "bursts"},
    ],
)
def test_an_open_loop_has_limits(endpoint, target, numbers):
    with pytest.raises(MazeError, match="choose"):
        open_loop(endpoint, b"1", **numbers)
    assert target.requests == 0


def test_an_open_loop_counts_the_wait_for_a_slow_server():
    # A server that answers one at a time, 20 a second, and users who come at 60 a second. Each
    # answer takes it 50 ms; the last of 30 users waits a second.
    with load_target() as server:
        one_at_a_time = threading.Lock()

        def serve(number: int) -> str:
            with one_at_a_time:
                time.sleep(0.05)
            return "ok"

        server.prepare(serve)
        client = server.client(read_timeout=30)
        result = open_loop(Endpoint(client, "digits"), b"1", rate=60, duration_s=0.5)
        closed = closed_loop(Endpoint(client, "digits"), b"1", calls=10, at_a_time=1)
    assert counted(result) == {"ok": 30}
    assert result.latencies_ms().max() >= 900
    # One user who waits for each answer before the next call never sees the queue.
    assert closed.percentile_ms(50) < 500


def test_latencies_count_from_the_planned_begin_also_where_the_generator_is_late(target, endpoint):
    result = open_loop(endpoint, b"1", rate=200, duration_s=0.5)
    late_ms = (result.calls["start"] - result.calls["planned"]).dt.total_seconds() * 1000
    served_ms = (result.calls["end"] - result.calls["start"]).dt.total_seconds() * 1000
    assert (late_ms >= 0).all()
    assert np.allclose(result.calls["latency_ms"], late_ms + served_ms, atol=1e-2)


def test_an_arrival_that_cannot_begin_is_an_outcome_of_its_own(target):
    target.prepare(lambda number: "ok", delay_s=1.5)
    patient = Endpoint(target.client(read_timeout=30), "digits")
    result = open_loop(patient, b"1", rate=50, duration_s=0.2, max_under_way=4)
    assert counted(result) == {"ok": 4, "not started": 6}
    refused = result.calls[result.calls["outcome"] == "not started"]
    assert refused[["start", "end", "latency_ms"]].isna().all(axis=None)
    assert (refused["detail"] == "4 calls were under way").all()
    assert target.most_under_way <= 4
    assert len(result.latencies_ms(None)) == 4


@given(rate=st.floats(0.5, 500), duration_s=st.floats(2, 100))
def test_constant_arrivals_are_evenly_spaced(rate, duration_s):
    times_s = schedule(rate, duration_s, "constant", seed=0)
    assert abs(len(times_s) - rate * duration_s) <= 0.5 + 1e-6
    assert np.allclose(np.diff(times_s), 1 / rate)


def test_poisson_arrivals_come_as_often_and_at_random_and_again_by_their_seed():
    times_s = schedule(100, 500, "poisson", seed=1)
    gaps_s = np.diff(times_s)
    assert abs(len(times_s) / 500 - 100) < 2
    # Exponential gaps: their standard deviation is their mean.
    assert abs(gaps_s.std() / gaps_s.mean() - 1) < 0.03
    assert times_s == schedule(100, 500, "poisson", seed=1)
    assert times_s != schedule(100, 500, "poisson", seed=2)


class StubbornTarget:
    """Not a target's failure but its bug."""

    name, endpoint_name = "bug", None

    def prepare(self, data, connections):
        def call():
            raise ZeroDivisionError("a bug")

        return call


def test_a_bug_is_no_outcome():
    with pytest.raises(ZeroDivisionError):
        closed_loop(StubbornTarget(), b"1", calls=100)
    with pytest.raises(ZeroDivisionError):
        open_loop(StubbornTarget(), b"1", rate=100, duration_s=5)


def test_no_call_begins_after_the_longest_time(target, monkeypatch):
    monkeypatch.setattr(closed, "MAX_DURATION_S", 0.5)
    target.prepare(lambda number: "ok", delay_s=0.05)
    patient = Endpoint(target.client(read_timeout=30), "digits")
    result = closed_loop(patient, b"1", calls=1000, at_a_time=2)
    assert set(result.outcomes.index) == {"ok"}
    assert len(result.calls) < 1000
    assert f"ended before {1000 - len(result.calls)} calls began" in repr(result)


def test_a_call_that_takes_for_ever_is_unfinished(target, monkeypatch):
    # Enough for three quick answers, on a busy machine too.
    monkeypatch.setattr(closed, "MAX_DURATION_S", 3)
    monkeypatch.setattr(crew, "DRAIN_S", 0.1)
    ended = threading.Event()
    target.prepare(lambda number: "ok" if number < 3 or ended.wait(60) else "late")
    patient = Endpoint(target.client(read_timeout=60), "digits")
    try:
        result = closed_loop(patient, b"1", calls=4, at_a_time=1)
    finally:
        ended.set()
    assert counted(result) == {"ok": 3, "unfinished": 1}
    assert result.calls.loc[3, ["end", "latency_ms"]].isna().all()


@pytest.mark.parametrize("test", ["closed", "open"])
def test_an_interrupt_before_the_wait_ends_the_calls_too(target, endpoint, monkeypatch, test):
    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(crew.Crew, "wait", interrupted)
    with pytest.raises(KeyboardInterrupt):
        if test == "closed":
            closed_loop(endpoint, b"1", calls=100_000)
        else:
            open_loop(endpoint, b"1", rate=100, duration_s=900)
    wait_for_threads_to_end()


def test_no_thread_is_left(target, endpoint):
    closed_loop(endpoint, b"1", calls=20)
    open_loop(endpoint, b"1", rate=100, duration_s=0.2)
    wait_for_threads_to_end()


def wait_for_threads_to_end():
    deadline_s = time.monotonic() + 30
    while any(thread.name == "load-test" for thread in threading.enumerate()):
        assert time.monotonic() < deadline_s
        time.sleep(0.01)
