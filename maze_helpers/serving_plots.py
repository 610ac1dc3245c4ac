"""The figures of serving a model, in the style of `plots`: the title states the finding.

Each function returns its figure, closed, so that a notebook shows it once: as a cell's last value.
"""

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, NullFormatter, NullLocator

from maze_helpers.plots import BLUE, INK, ORANGE, PALE, PALETTE, STYLE, finish

# Where the longest is so many times the shortest, a linear axis would hide the short ones.
LOG_FROM = 20


def stages(seconds: Mapping[str, float], title: str, wanted: str | None = None) -> Figure:
    """Return what happened one after the other, a bar each from where the one before it ended.

    wanted: the stage that all the others are there for; it stands out.
    """
    begun_s = np.cumsum([0.0, *seconds.values()])[:-1]
    with plt.rc_context(STYLE):
        figure, axes = plt.subplots(figsize=(7.2, 0.42 * len(seconds) + 1.4))
        colours = [ORANGE if name == wanted else PALE for name in seconds]
        # A sliver at least, or what takes a millisecond could not be seen at all.
        widths = np.maximum(list(seconds.values()), begun_s[-1] * 0.004)
        bars = axes.barh(range(len(seconds)), widths, left=begun_s, color=colours, height=0.6)
        axes.bar_label(bars, [duration(value) for value in seconds.values()], padding=4, color=INK)
        axes.set_yticks(range(len(seconds)), list(seconds))
        axes.invert_yaxis()
        axes.grid(axis="y", visible=False)
        axes.tick_params(axis="y", length=0)
        axes.margins(x=0.12)
        axes.set(xlabel="Seconds since the command")
        return finish(figure, title)


def calls(seconds: Mapping[str, Sequence[float]], title: str) -> Figure:
    """Return how long calls took: a row for each way, a dot for each call, and the median."""
    with plt.rc_context(STYLE):
        figure, axes = plt.subplots(figsize=(7.2, 0.7 * len(seconds) + 1.3))
        for place, (values, colour) in enumerate(zip(seconds.values(), PALETTE * 8, strict=False)):
            axes.scatter(
                values, np.full(len(values), place), s=30, alpha=0.5, color=colour, linewidths=0
            )
            median = float(np.median(values))
            axes.plot([median] * 2, [place - 0.25, place + 0.25], color=colour)
            axes.annotate(
                duration(median),
                (median, place - 0.25),
                xytext=(0, 3),
                textcoords="offset points",
                ha="center",
                color=INK,
            )
        axes.set_yticks(range(len(seconds)), list(seconds))
        axes.set_ylim(len(seconds) - 0.5, -0.7)
        axes.grid(axis="y", visible=False)
        axes.tick_params(axis="y", length=0)
        _scale(axes.xaxis, [value for values in seconds.values() for value in values])
        axes.set(xlabel="A call took")
        return finish(figure, title)


def batches(seconds: Mapping[int, float], title: str) -> Figure:
    """Return what a call takes by how many utterances it carries, and what each of them takes."""
    sizes = list(seconds)
    call_s = np.array(list(seconds.values()))
    lines = {"the whole call": (call_s, BLUE), "each utterance": (call_s / sizes, ORANGE)}
    with plt.rc_context(STYLE):
        figure, axes = plt.subplots(figsize=(7.2, 3.8))
        for name, (values, colour) in lines.items():
            axes.plot(sizes, values, marker="o", color=colour)
            axes.annotate(
                f"{name}: {duration(values[-1])}",
                (sizes[-1], values[-1]),
                xytext=(8, 0),
                textcoords="offset points",
                va="center",
                color=colour,
                annotation_clip=False,
            )
        axes.set_xscale("log")
        axes.set_xticks(sizes, [str(size) for size in sizes])
        axes.xaxis.set_minor_locator(NullLocator())
        axes.set_yscale("log")
        _scale(axes.yaxis, [*call_s, *call_s / sizes])
        axes.set(xlabel="Utterances in one call", ylabel="Time")
        return finish(figure, title)


def duration(seconds: float) -> str:
    """Return a time for people. Example: 0.0213 gives "21 ms", 1.34 gives "1.3 s"."""
    value, unit = (seconds, "s") if seconds >= 0.9995 else (seconds * 1000, "ms")
    return f"{value:.0f} {unit}" if value >= 10 else f"{value:.2g} {unit}"


def _scale(axis: Axis, seconds: Sequence[float]) -> None:
    """Choose an axis' scale for times, and write them with their units."""
    if max(seconds) / min(seconds) > LOG_FROM:
        axis.axes.set(**{f"{axis.axis_name}scale": "log"})
        axis.set_minor_formatter(NullFormatter())
    elif axis.get_scale() == "linear":
        axis.axes.set(**{f"{axis.axis_name}lim": (0, None)})
    axis.set_major_formatter(FuncFormatter(lambda value, _: duration(value)))
