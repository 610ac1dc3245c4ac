"""The figure of what serving costs, in the style of `plots`: the title states the finding."""

from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from maze_helpers.plots import BLUE, GREEN, INK, ORANGE, STYLE
from maze_helpers.serving_choice import REAL_TIME, Measured, break_even


def monthly(ways: Sequence[Measured], bursts_a_day: float, title: str) -> Figure:
    """Return what each way costs a month by how many requests a day there are."""
    requests = np.logspace(0, 7, 200)
    with plt.rc_context(STYLE):
        figure, axes = plt.subplots(figsize=(7.2, 4))
        for way, colour in zip(ways, (BLUE, ORANGE, GREEN), strict=True):
            usd = [way.usd_a_month(count, bursts_a_day) for count in requests]
            axes.plot(requests, usd, color=colour, label=way.way)
        flat = next(way for way in ways if way.way == REAL_TIME)
        for way in ways:
            if way is not flat:
                crossing = break_even(way, flat, bursts_a_day)
                if crossing < requests[-1]:
                    usd_there = flat.usd_a_month(crossing, bursts_a_day)
                    axes.plot(crossing, usd_there, "o", color=INK)
                    axes.annotate(
                        f"{crossing:,.0f}\na day",
                        (crossing, usd_there),
                        xytext=(0, 10),
                        textcoords="offset points",
                        ha="center",
                    )
        axes.set(xscale="log", yscale="log", xlabel="Requests a day", ylabel="USD a month")
        axes.set_ylim(bottom=0.01)
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.4g}"))
        axes.legend(loc="upper left", bbox_to_anchor=(1, 1))
        axes.set_title(title)
        figure.tight_layout()
        plt.close(figure)
        return figure
