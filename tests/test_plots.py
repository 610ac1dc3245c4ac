"""The figures say what they are told, once, in any backend."""

import warnings
from datetime import datetime, timedelta, timezone

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from maze_helpers import data, plots

plt.switch_backend("agg")
START = datetime(2026, 1, 1, tzinfo=timezone.utc)
TIMES = [START + timedelta(seconds=s) for s in range(5)]


def transitions(*steps):
    """Return SecondaryStatusTransitions of the statuses, each so many seconds long."""
    start, rows = START, []
    for status, seconds in steps:
        end = start + timedelta(seconds=seconds)
        rows.append({"Status": status, "StartTime": start, "EndTime": end})
        start = end
    return rows


_, TEST = data.digits()
REQUESTS = pd.DataFrame(
    {"instance": "a", "object": ["x.csv", "y.csv"], "began": [1e9, 1e9 + 2], "seconds": [1, 3]}
)
FIGURES = {
    "confusion": lambda: plots.confusion([0, 1, 1, 2], [0, 1, 2, 2], "One of four is wrong"),
    "digits": lambda: plots.digits(data.images(TEST)[:7], TEST["label"][:7], "Seven digits"),
    "metric_curve": lambda: plots.metric_curve(
        {"train": [0.5, 1], "test": [0.4, 0.8]}, "It learns"
    ),
    "usage": lambda: plots.usage({"CPUUtilization": (TIMES, [1, 2, 3, 2, 1])}, "Mostly idle"),
    "cost": lambda: plots.cost(pd.DataFrame({"job": ["a"], "usd": [0.01]}), "A cent"),
    "shifts": lambda: plots.shifts(REQUESTS, ["a", "b"], "One idles"),
    "timeline": lambda: plots.timeline(transitions(("Starting", 4), ("Training", 9)), "Waiting"),
}


@pytest.fixture(params=FIGURES)
def figure(request):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield FIGURES[request.param]()


def test_a_figure_can_be_drawn_without_a_warning(figure, tmp_path):
    figure.savefig(tmp_path / "figure.png")
    assert (tmp_path / "figure.png").stat().st_size > 5000


def test_a_figure_is_closed_so_that_a_notebook_shows_it_once(figure):
    assert plt.get_fignums() == []


def test_a_figure_leaves_the_style_of_other_figures_alone():
    before = dict(plt.rcParams)
    plots.metric_curve({"a": [1, 2]}, "title")
    assert dict(plt.rcParams) == before


@pytest.mark.parametrize(
    "name", ["confusion", "metric_curve", "usage", "cost", "timeline", "shifts"]
)
def test_the_axes_say_the_finding_and_their_units(name):
    (axes,) = FIGURES[name]().axes
    assert axes.get_title(loc="left")
    assert axes.get_xlabel()


def test_the_confusion_matrix_counts_rows_as_the_truth():
    (axes,) = plots.confusion([3, 3, 8], [3, 8, 8], "title").axes
    counts = {text.get_position(): text.get_text() for text in axes.texts}
    # (column, row): one 3 read as 3, one 3 read as 8, one 8 read as 8.
    assert counts == {(0, 0): "1", (1, 0): "1", (1, 1): "1"}
    assert [tick.get_text() for tick in axes.get_yticklabels()] == ["3", "8"]


def test_a_misread_digit_names_both():
    images = data.images(TEST)[:2]
    figure = plots.digits(images, [4, 9], "title", predictions=[4, 7])
    titles = [axes.get_title() for axes in figure.axes]
    assert titles[:2] == ["4", "9 read as 7"]


def test_a_curve_is_drawn_where_x_says():
    (axes,) = plots.metric_curve({"a": [0.1, 0.2]}, "title", x=[10, 50], x_label="Trees").axes
    assert list(axes.lines[0].get_xdata()) == [10, 50]
    assert axes.get_xlabel() == "Trees"


def test_the_names_of_curves_that_end_alike_do_not_overlap():
    (axes,) = plots.metric_curve({"a": [0, 0.5], "b": [0, 0.501], "c": [0, 1]}, "title").axes
    a, b, c = (text.xy[1] for text in axes.texts)
    assert a == 0.5 and b - a >= 0.05 and c == 1


def test_usage_counts_seconds_from_the_first_sample_of_all():
    later = [time + timedelta(seconds=3) for time in TIMES]
    series = {"CPUUtilization": (later, [1] * 5), "MemoryUtilization": (TIMES, [2] * 5)}
    (axes,) = plots.usage(series, "title").axes
    assert list(axes.lines[0].get_xdata()) == [3, 4, 5, 6, 7]


def test_usage_without_a_sample_says_so():
    with pytest.raises(ValueError, match="no samples"):
        plots.usage({"CPUUtilization": ([], [])}, "title")


def test_usage_leaves_out_a_series_without_samples():
    series = {"GPUUtilization": ([], []), "CPUUtilization": (TIMES, [1] * 5)}
    (axes,) = plots.usage(series, "title").axes
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["CPUUtilization"]


def test_an_unknown_cost_is_called_unknown_and_not_nothing():
    ledger = pd.DataFrame({"job": ["a", "b"], "usd": [0.02, np.nan]})
    (axes,) = plots.cost(ledger, "title").axes
    assert [text.get_text() for text in axes.texts] == ["unknown", "2 ¢"]


def test_a_status_that_still_runs_has_no_length_yet():
    running = transitions(("Starting", 4)) + [{"Status": "Training", "StartTime": START}]
    (axes,) = plots.timeline(running, "title").axes
    assert [text.get_text() for text in axes.texts] == ["4.0 s", "0.0 s"]


def test_each_request_is_a_bar_of_its_instance_and_an_idle_one_says_so():
    (axes,) = plots.shifts(REQUESTS, ["a", "b"], "One idles").axes
    bars = [(bar.get_x(), bar.get_width(), round(bar.get_center()[1])) for bar in axes.patches]
    assert bars == [(0, 1, 0), (2, 3, 0)]
    texts = [text.get_text() for text in axes.texts]
    assert texts == ["x", "y", " nothing to do"]


def test_the_names_of_many_objects_are_left_out():
    names = [f"{number}.csv" for number in range(plots.MOST_NAMED + 1)]
    many = pd.DataFrame({"instance": "a", "object": names, "began": range(11), "seconds": 1})
    (axes,) = plots.shifts(many, ["a"], "Many").axes
    assert not axes.texts
