"""The figure of what serving costs, in the style of `plots`: the title states the finding."""

from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import EngFormatter, FuncFormatter

from maze_helpers.plots import BLUE, GREEN, INK, ORANGE, STYLE, finish
from maze_helpers.serving_choice import REAL_TIME, SERVERLESS, Measured, break_even


def monthly(ways: Sequence[Measured], bursts_a_day: float, title: str) -> Figure:
    """Return what each way costs a month by how many requests a day there are."""
    requests = np.logspace(0, 7, 200)
    with plt.rc_context(STYLE):
        figure, axes = plt.subplots(figsize=(7.2, 4))
        for way, colour in zip(ways, (BLUE, ORANGE, GREEN), strict=True):
            usd = [way.usd_a_month(count, bursts_a_day) for count in requests]
            axes.plot(requests, usd, color=colour, label=way.way)
        by_way = {way.way: way for way in ways}
        _mark_crossing(axes, by_way[SERVERLESS], by_way[REAL_TIME], bursts_a_day)
        axes.set(xscale="log", yscale="log", xlabel="Requests a day", ylabel="USD a month")
        axes.set_ylim(bottom=0.01)
        axes.xaxis.set_major_formatter(EngFormatter(sep=""))
        axes.yaxis.set_major_formatter(FuncFormatter(_usd))
        axes.legend(loc="upper left", bbox_to_anchor=(1, 1))
        return finish(figure, title)


def _mark_crossing(
    axes: Axes, serverless: Measured, real_time: Measured, bursts_a_day: float
) -> None:
    crossing = break_even(serverless, real_time, bursts_a_day)
    place = (crossing, real_time.usd_a_month(0, 0))
    axes.plot(*place, "o", color=INK)
    axes.annotate(
        f"{crossing:,.0f}\na day",
        place,
        xytext=(-8, 8),
        textcoords="offset points",
        ha="right",
    )


def _usd(value: float, _: int) -> str:
    return f"{value:,.0f}" if value >= 1 else f"{value:g}"
