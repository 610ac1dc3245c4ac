"""The figures of load tests hold what was measured, and say what they show."""

import warnings
from datetime import datetime, timedelta, timezone

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from maze_helpers import load_plots
from maze_helpers.load_test import EndpointMetrics, LoadTestResult
from maze_helpers.load_test.outcomes import Outcome
from maze_helpers.load_test.recorder import Row
from maze_helpers.load_test.result import Plan, table_of

plt.switch_backend("agg")
BEGAN = datetime(2026, 1, 1, 12, 0, 0, 500_000, tzinfo=timezone.utc)


def result_of(*calls):
    """Return a result of calls: (start, end in s or None, outcome)."""
    rows = [
        Row(number, start_s or 0.0, start_s, end_s, Outcome(outcome))
        for number, (start_s, end_s, outcome) in enumerate(calls)
    ]
    plan = Plan("digits", "digits", len(rows), "by hand")
    return LoadTestResult(plan, BEGAN, table_of(BEGAN, rows))


MIXED = result_of(
    *((second / 10, second / 10 + 0.05 + second / 500, "ok") for second in range(40)),
    *((second / 10, second / 10 + 0.002, "throttled") for second in range(10)),
    (1.0, 2.0, "other: ValidationError"),
    (None, None, "not started"),
    (3.0, None, "unfinished"),
)
NOTHING = result_of((None, None, "not started"))
EMPTY = result_of()
SECONDS = pd.date_range(BEGAN - timedelta(seconds=0.5), periods=5, freq="1s")
METRICS = EndpointMetrics(
    1,
    pd.DataFrame(
        {
            "Invocations": [10.0, 10, 10, 10, 0],
            "ModelLatency": [5e4, 5e4, 6e4, 6e4, np.nan],
            "OverheadLatency": [9e5, 1e3, 1e3, 1e3, np.nan],
            "ServerlessConcurrentExecutionsUtilization": [1, 0.4, 0.6, 0.2, np.nan],
        },
        index=SECONDS,
    ),
)
FIGURES = {
    "latency": lambda: load_plots.latency(MIXED),
    "latency of nothing": lambda: load_plots.latency(NOTHING),
    "distribution": lambda: load_plots.distribution(MIXED),
    "distribution of one": lambda: load_plots.distribution(result_of((0, 0.1, "ok"))),
    "throughput": lambda: load_plots.throughput(MIXED),
    "throughput of nothing": lambda: load_plots.throughput(NOTHING),
    "latency of an empty test": lambda: load_plots.latency(EMPTY),
    "throughput of an empty test": lambda: load_plots.throughput(EMPTY),
    "concurrency of an empty test": lambda: load_plots.concurrency(EMPTY),
    "throughput with metrics": lambda: load_plots.throughput(MIXED, METRICS),
    "throughput with no metrics": lambda: load_plots.throughput(
        MIXED, EndpointMetrics(1, pd.DataFrame())
    ),
    "concurrency": lambda: load_plots.concurrency(MIXED),
    "concurrency of nothing": lambda: load_plots.concurrency(NOTHING),
}


@pytest.fixture(params=FIGURES)
def figure(request):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield FIGURES[request.param]()


def test_a_figure_can_be_drawn_without_a_warning_and_is_closed(figure, tmp_path):
    figure.savefig(tmp_path / "figure.png")
    assert (tmp_path / "figure.png").stat().st_size > 5000
    assert plt.get_fignums() == []


def test_the_axes_say_the_finding_and_their_units(figure):
    assert figure.axes[0].get_title(loc="left")
    assert figure.axes[-1].get_xlabel()
    assert all(axes.get_ylabel() for axes in figure.axes)


def test_a_title_of_ones_own_comes_first():
    (axes,) = load_plots.latency(MIXED, "Mine").axes
    assert axes.get_title(loc="left") == "Mine"


@pytest.mark.parametrize(
    ("count", "finding"),
    [(5, "0 answers a second, 100 % throttled"), (1000, "0 answers a second, 100 % throttled")],
)
def test_a_test_in_which_all_was_refused_says_so(count, finding):
    refused = result_of(*[(0.0, 0.5, "throttled")] * count)
    assert load_plots.throughput(refused).axes[0].get_title(loc="left") == finding
    assert load_plots.latency(refused).axes[0].get_title(loc="left") == "No call was answered"


def test_the_figures_of_one_call_begin_with_the_test():
    one = result_of((0.0016, 1.84, "ok"))
    (axes,) = load_plots.latency(one).axes
    assert axes.get_xlim()[0] < 0 and axes.get_xlim()[1] > 1.84
    (axes,) = load_plots.concurrency(one).axes
    assert axes.get_title(loc="left").startswith("At most 1 call is under way")


def test_the_latency_has_a_point_a_call_that_ended():
    (axes,) = load_plots.latency(MIXED).axes
    points = {c.get_label(): len(c.get_offsets()) for c in axes.collections}
    assert points["40 ok"] == 40 and points["10 throttled"] == 10
    assert points["1 not started"] == points["1 unfinished"] == 0


def test_the_distribution_marks_the_percentiles_of_every_sample():
    (axes,) = load_plots.distribution(MIXED).axes
    latencies_ms = MIXED.latencies_ms("ok")
    assert sum(patch.get_height() for patch in axes.patches) == len(latencies_ms) == 40
    marked = {text.get_text().split()[0]: text.xy[0] for text in axes.texts}
    assert marked["p99"] == np.percentile(latencies_ms, 99)
    assert marked["max"] == latencies_ms.max()


def test_a_distribution_of_nothing_says_so():
    with pytest.raises(ValueError, match='No call ended as "ok"'):
        load_plots.distribution(NOTHING)


def test_the_bars_of_the_throughput_are_all_calls_and_a_bar_begins_with_each_second():
    (axes,) = load_plots.throughput(MIXED).axes
    width_s = 0.25
    assert np.isclose(sum(bar.get_height() for bar in axes.patches) * width_s, len(MIXED.calls))
    begins_s = {round(bar.get_x(), 6) for bar in axes.patches}
    assert {-0.5 + second for second in range(1, 5)} <= begins_s


def test_an_arrival_refused_after_the_last_answer_has_its_place_too():
    rows = [
        Row(0, 0.0, 0.0, 0.1, Outcome("ok")),
        Row(1, 2.0, None, None, Outcome("not started")),
    ]
    result = LoadTestResult(Plan("digits", None, 2, "by hand"), BEGAN, table_of(BEGAN, rows))
    (axes,) = load_plots.throughput(result).axes
    assert np.isclose(sum(bar.get_height() for bar in axes.patches) * 0.1, 2)


def test_cloudwatch_is_drawn_beneath_where_it_has_something():
    calls, latencies, use = load_plots.throughput(MIXED, METRICS).axes
    (invocations,) = calls.lines
    assert np.nanmin(invocations.get_xdata()) == -0.5
    assert np.nanmax(invocations.get_ydata()) == 10
    assert [line.get_label() for line in latencies.lines] == ["of the model", "overhead"]
    assert np.nanmax(latencies.lines[1].get_ydata()) == 900  # ms
    assert np.nanmax(use.lines[0].get_ydata()) == 1


def test_a_second_without_a_value_is_a_gap_in_the_line():
    metrics = EndpointMetrics(1, METRICS.table.iloc[[0, 1, 3]])
    line = load_plots.throughput(MIXED, metrics).axes[0].lines[0]
    gap = np.isnan(line.get_ydata())
    assert line.get_xdata()[gap].tolist() == [1.5, 3.5]


@settings(max_examples=30)
@given(
    st.lists(
        st.tuples(st.floats(0, 10), st.floats(0, 5)).map(lambda t: (t[0], sum(t), "ok")),
        min_size=1,
        max_size=30,
    )
)
def test_the_calls_under_way_add_up_to_their_time(calls):
    result = result_of(*calls)
    (axes,) = load_plots.concurrency(result).axes
    most, average = (patch.get_data() for patch in axes.patches)
    widths_s = np.diff(average.edges)
    spent_s = sum(end_s - start_s for start_s, end_s, _ in calls)
    assert np.isclose(np.sum(average.values * widths_s), spent_s, atol=1e-5)
    assert (most.values >= average.values - 1e-6).all()
    assert most.values.max() <= len(calls)
