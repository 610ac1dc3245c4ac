"""The figures of a load test, in the style of `plots`: the title states the finding.

Each function returns its figure, closed, so that a notebook shows it once. title: None for the
finding that the result itself holds.
"""

from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator, NullFormatter, PercentFormatter

from maze_helpers.load_test.cloudwatch import EndpointMetrics
from maze_helpers.load_test.outcomes import (
    CONNECTION,
    MODEL_ERROR,
    NOT_STARTED,
    OK,
    THROTTLED,
    TIME_OUT,
    UNFINISHED,
)
from maze_helpers.load_test.result import PERCENTILES, LoadTestResult
from maze_helpers.plots import BLUE, GREEN, GREY, INK, ORANGE, PALE, RED, STYLE, finish

COLOURS = {
    OK: BLUE,
    THROTTLED: ORANGE,
    MODEL_ERROR: RED,
    TIME_OUT: GREEN,
    CONNECTION: GREY,
    NOT_STARTED: PALE,
    UNFINISHED: PALE,
}
SINCE = "Seconds since the test began"
# Where the largest value is so many times the smallest, a linear axis would hide the small ones.
LOG_FROM = 20
MOST_BARS, WIDTHS_S = 40, (0.1, 0.25, 0.5, 1, 2, 5, 10, 15, 30)
# Into how many stretches of time the calls under way are summed up.
WHILES = 120


def latency(result: LoadTestResult, title: str | None = None) -> Figure:
    """Return each call's latency over the time at which it should have begun, by outcome."""
    calls = result.calls.assign(x=result.seconds("planned")).dropna(subset="latency_ms")
    with plt.rc_context(STYLE):
        figure, axes = plt.subplots(figsize=(7.2, 3.8))
        for outcome, count in result.outcomes.items():
            own = calls[calls["outcome"] == outcome]
            axes.scatter(
                own["x"],
                own["latency_ms"],
                s=14,
                alpha=0.6 if len(calls) < 2000 else 0.35,
                linewidths=0,
                color=_colour(outcome),
                label=f"{count} {outcome}",
            )
        _scale_ms(axes.yaxis, calls["latency_ms"])
        # All of the test: around a single call, the ticks would be too long to be read.
        axes.set_xlim(np.array([-0.02, 1.02]) * max(result.duration_s, 0.001))
        axes.set(xlabel=SINCE, ylabel="Latency")
        for handle in _legend(axes):
            handle.set_alpha(1)
        return finish(figure, title or _latency_finding(result))


def _latency_finding(result: LoadTestResult) -> str:
    count = len(result.latencies_ms())
    if not count:
        return "No call was answered"
    half, most, slowest = (_ms(result.percentile_ms(percent)) for percent in (50, 99, 100))
    rest = f"one in a hundred over {most}" if count >= 100 else f"the slowest {slowest}"
    return f"Half of the answers take up to {half}, {rest}"


def distribution(result: LoadTestResult, outcome: str = OK, title: str | None = None) -> Figure:
    """Return how the latencies of an outcome are spread, their percentiles marked.

    Raises: ValueError, if no call had the outcome.
    """
    latencies_ms = result.latencies_ms(outcome)
    if not len(latencies_ms):
        raise ValueError(f'No call ended as "{outcome}": there is no latency to draw.')
    marks = {f"p{percent}": result.percentile_ms(percent, outcome) for percent in PERCENTILES}
    marks["max"] = latencies_ms.max()
    with plt.rc_context(STYLE | {"axes.grid.axis": "y"}):
        figure, axes = plt.subplots(figsize=(7.2, 3.8))
        axes.hist(latencies_ms, bins=_bins(latencies_ms), color=_colour(outcome), alpha=0.75)
        _scale_ms(axes.xaxis, latencies_ms)
        top = axes.get_ylim()[1]
        axes.set_ylim(top=top * 1.45)
        for place, (name, value) in enumerate(marks.items()):
            # Each a little lower than the one before: percentiles are often close together.
            height = top * (1.38 - 0.09 * place)
            axes.vlines(value, 0, height, color=INK, linewidth=1, linestyle=(0, (3, 2)))
            axes.annotate(
                f"{name} {_ms(value)}",
                (value, height),
                xytext=(4, -2),
                textcoords="offset points",
                va="center",
                size=9,
                annotation_clip=False,
            )
        axes.yaxis.set_major_locator(MaxNLocator(integer=True))
        axes.set(xlabel="Latency", ylabel="Calls")
        return finish(figure, title or _spread_finding(marks, len(latencies_ms)))


def _bins(latencies_ms: np.ndarray) -> np.ndarray:
    low, high = latencies_ms.min(), max(latencies_ms.max(), latencies_ms.min() * 1.01)
    edges = np.geomspace if _is_wide(latencies_ms) else np.linspace
    return edges(low, high, int(np.clip(len(latencies_ms) ** 0.5 * 2, 10, 60)) + 1)


def _spread_finding(marks: dict[str, float], count: int) -> str:
    who, far = ("One in a hundred", "p99") if count >= 100 else ("The slowest", "max")
    times = marks[far] / marks["p50"]
    if times < 1.5:
        return f"Nearly all take about {_ms(marks['p50'])}, the slowest {_ms(marks['max'])}"
    return f"{who} takes {times:.2g} times the median" + (" or longer" if far == "p99" else "")


def concurrency(result: LoadTestResult, title: str | None = None) -> Figure:
    """Return how many calls were under way over time: the most and the average of each while."""
    times_s, under_way = _under_way(result)
    edges = np.linspace(0, max(result.duration_s, 0.001), WHILES + 1)
    # Where a while begins, as many are under way as after the change before it.
    at_edges = under_way[np.searchsorted(times_s, edges, side="right") - 1]
    order = np.argsort(all_s := np.concatenate([times_s, edges]), kind="stable")
    all_s, values = all_s[order], np.concatenate([under_way, at_edges])[order]
    starts = np.searchsorted(all_s, edges[:-1])
    most = np.maximum.reduceat(values, starts)
    areas = np.append(np.diff(all_s) * values[:-1], 0)
    average = np.add.reduceat(areas, starts) / np.diff(edges)
    with plt.rc_context(STYLE):
        figure, axes = plt.subplots(figsize=(7.2, 3.2))
        axes.stairs(most, edges, fill=True, color=BLUE, alpha=0.2, label="at most")
        axes.stairs(average, edges, color=BLUE, linewidth=1.6, label="on average")
        axes.set_ylim(bottom=0)
        axes.yaxis.set_major_locator(MaxNLocator(integer=True))
        axes.set(xlabel=SINCE, ylabel="Calls under way")
        _legend(axes)
        calls = "1 call is" if most.max() == 1 else f"{most.max()} calls are"
        finding = f"At most {calls} under way, {average.mean():.3g} on average"
        return finish(figure, title or finding)


def _under_way(result: LoadTestResult) -> tuple[np.ndarray, np.ndarray]:
    """Return the times of change, from 0 on, and how many calls are under way from then."""
    begun = result.calls.index[result.calls["start"].notna()]
    starts_s = result.seconds("start")[begun].to_numpy()
    ends_s = result.seconds("end")[begun].fillna(result.duration_s).to_numpy()
    times_s = np.concatenate([[0.0], starts_s, np.maximum(starts_s, ends_s)])
    changes = np.repeat([0, 1, -1], [1, len(begun), len(begun)])
    # At the same moment, one ends before the next begins.
    order = np.lexsort([changes, times_s])
    return times_s[order], np.cumsum(changes[order])


def throughput(
    result: LoadTestResult, metrics: EndpointMetrics | None = None, title: str | None = None
) -> Figure:
    """Return calls a second by outcome, and beneath them what CloudWatch says of the endpoint.

    A call counts when it ends; one that never began, when it should have.
    """
    panels = [panel for panel in (_latencies, _utilisation) if metrics and panel(metrics).size]
    heights = [3] + [1.6] * len(panels)
    with plt.rc_context(STYLE):
        figure, grid = plt.subplots(
            len(heights),
            figsize=(7.2, sum(heights) + 0.6),
            sharex=True,
            squeeze=False,
            height_ratios=heights,
        )
        first, *others = grid[:, 0]
        _draw_calls(first, result, metrics)
        for axes, panel in zip(others, panels, strict=True):
            _draw_metrics(axes, panel(metrics), metrics.period_s, result)
        grid[-1, 0].set_xlabel(SINCE)
        figure.align_ylabels()
        return finish(figure, title or _throughput_finding(result))


def _throughput_finding(result: LoadTestResult) -> str:
    outcomes = result.outcomes
    answered = outcomes.get(OK, 0) / result.duration_s if result.duration_s else 0
    others = outcomes.drop(OK, errors="ignore").nlargest(2) / len(result.calls)
    shares = [f"{share:.3g} % {name}" for name, share in (others * 100).items()]
    return ", ".join([f"{answered:.3g} answers a second", *shares])


def _draw_calls(axes: Axes, result: LoadTestResult, metrics: EndpointMetrics | None) -> None:
    ended_s = result.seconds("end").fillna(result.seconds("planned"))
    edges, width_s = _edges(pd.Timestamp(result.began_at), ended_s.max() if len(ended_s) else 0.0)
    bottom = np.zeros(len(edges) - 1)
    for outcome, count in result.outcomes.items():
        counts, _ = np.histogram(ended_s[result.calls["outcome"] == outcome], edges)
        axes.bar(
            edges[:-1],
            counts / width_s,
            width_s * 0.92,
            bottom,
            align="edge",
            color=_colour(outcome),
            label=f"{count} {outcome}",
        )
        bottom += counts / width_s
    if metrics and "Invocations" in metrics.table:
        x, y = _steps(metrics.table["Invocations"] / metrics.period_s, metrics.period_s, result)
        axes.plot(
            x,
            y,
            color=INK,
            linewidth=1.4,
            label=f"Invocations\n(CloudWatch,\nper {metrics.period_s} s)",
        )
    axes.set(ylabel="Calls a second", xlim=(edges[0], edges[-1]))
    # By hand: bars of no height, on top of others, would end the axis there.
    axes.set_ylim(
        0, 1.05 * max([1, *bottom, *(np.nanmax(line.get_ydata()) for line in axes.lines)])
    )
    _legend(axes)


def _edges(began: pd.Timestamp, last_s: float) -> tuple[np.ndarray, float]:
    """Return the bars' edges, in seconds since the test began, and their width.

    They lie where the clock's whole seconds do, as CloudWatch's periods do.
    """
    width_s = next(width for width in WIDTHS_S if last_s / width <= MOST_BARS)
    first_s = (began.floor(pd.Timedelta(seconds=width_s)) - began).total_seconds()
    count = int((last_s - first_s) // width_s) + 1
    return first_s + width_s * np.arange(count + 1), width_s


def _latencies(metrics: EndpointMetrics) -> pd.DataFrame:
    names = {
        "ModelLatency": "of the model",
        "OverheadLatency": "overhead",
        "ModelSetupTime": "of a cold start",
    }
    return _present(metrics, names) / 1000


def _utilisation(metrics: EndpointMetrics) -> pd.DataFrame:
    return _present(metrics, {"ServerlessConcurrentExecutionsUtilization": "of MaxConcurrency"})


def _present(metrics: EndpointMetrics, names: dict[str, str]) -> pd.DataFrame:
    return metrics.table[[name for name in names if name in metrics.table]].rename(columns=names)


def _draw_metrics(axes: Axes, table: pd.DataFrame, period_s: int, result: LoadTestResult) -> None:
    for (name, values), colour in zip(table.items(), (BLUE, ORANGE, RED), strict=False):
        x, y = _steps(values.dropna(), period_s, result)
        # A cold start is most of its second's overhead, and would hide it.
        dashes = (0, (2, 2)) if colour == RED else "solid"
        axes.plot(x, y, color=colour, linewidth=1.6, linestyle=dashes, label=name)
    if "of MaxConcurrency" in table:
        axes.yaxis.set_major_formatter(PercentFormatter(1))
        axes.set(ylabel="In use")
        axes.set_ylim(bottom=0)
    else:
        _scale_ms(axes.yaxis, table.to_numpy().ravel())
        axes.set(ylabel="Latency (mean)")
    _legend(axes)


def _steps(
    values: pd.Series, period_s: int, result: LoadTestResult
) -> tuple[np.ndarray, np.ndarray]:
    """Return the line of values that hold for a period each, with gaps where there are none."""
    starts_s = (values.index - pd.Timestamp(result.began_at)).total_seconds().to_numpy()
    x = np.stack([starts_s, starts_s + period_s, starts_s + period_s], axis=1)
    y = np.stack([values, values, np.full(len(values), np.nan)], axis=1)
    joined = np.isclose(np.diff(starts_s), period_s)
    y[:-1][joined, 2] = values.to_numpy()[1:][joined]
    return x.ravel(), y.ravel()


def _is_wide(values: Sequence[float]) -> bool:
    positive = np.asarray(values, dtype=float)
    positive = positive[positive > 0]
    return bool(len(positive)) and positive.max() / positive.min() > LOG_FROM


def _scale_ms(axis: Axis, values: Sequence[float]) -> None:
    """Choose an axis' scale for latencies, and write them with their units."""
    if _is_wide(values):
        axis.axes.set(**{f"{axis.axis_name}scale": "log"})
        axis.set_minor_formatter(NullFormatter())
    else:
        axis.axes.set(**{f"{axis.axis_name}lim": (0, None)})
    axis.set_major_formatter(FuncFormatter(lambda value, _: _ms(value)))


def _ms(value: float) -> str:
    """Return such as '0.8 ms', '52 ms', '1.3 s'."""
    return f"{value / 1000:.3g} s" if value >= 1000 else f"{value:.3g} ms"


def _colour(outcome: str) -> str:
    return COLOURS.get(outcome, INK)


def _legend(axes: Axes) -> list[Artist]:
    """Add a legend, where there is something to name, and return the handles in it."""
    if not axes.get_legend_handles_labels()[0]:
        return []
    return axes.legend(loc="upper left", bbox_to_anchor=(1, 1)).legend_handles
