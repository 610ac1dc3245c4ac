"""The figures of the notebooks, in one style: the title states the finding, axes carry units.

Each function returns its figure, closed, so that a notebook shows it once: as a cell's last value.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, PercentFormatter

# Told apart by people with any colour vision, and in grey (Okabe and Ito's palette, darkened).
BLUE, ORANGE, GREEN, RED, GREY = "#1f5f8b", "#d98218", "#2a8a6b", "#b8402a", "#5d6673"
PALETTE = (BLUE, ORANGE, GREEN, RED, GREY)
INK, FAINT, PALE = "#20262e", "#d9dee4", "#a9bccb"
# More names than these would not go into the bars.
MOST_NAMED = 10
HEAT = LinearSegmentedColormap.from_list("heat", ["#ffffff", "#8fb7d0", BLUE])

STYLE = {
    "figure.dpi": 110,
    "font.size": 10,
    "text.color": INK,
    "axes.labelcolor": INK,
    "axes.edgecolor": GREY,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlesize": 12,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.titlepad": 12,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": FAINT,
    "grid.linewidth": 0.8,
    "xtick.color": INK,
    "ytick.color": INK,
    "legend.frameon": False,
    "lines.linewidth": 2,
    "lines.markersize": 5,
}


def confusion(y_true: Sequence[int], y_pred: Sequence[int], title: str) -> Figure:
    """Return the confusion matrix: a row a true digit, a column a predicted one, in images."""
    labels, places = np.unique([y_true, y_pred], return_inverse=True)
    counts = np.zeros((len(labels), len(labels)), dtype=int)
    np.add.at(counts, tuple(places.reshape(2, -1)), 1)
    with plt.rc_context(STYLE | {"axes.grid": False}):
        figure, axes = plt.subplots(figsize=(5.6, 5.2))
        # Mistakes are few: a linear scale would show them white.
        axes.imshow(np.sqrt(counts), cmap=HEAT)
        for (row, column), count in np.ndenumerate(counts):
            if count:
                colour = "white" if np.sqrt(count) > np.sqrt(counts.max()) * 0.6 else INK
                if row != column:
                    colour = RED
                axes.text(column, row, count, ha="center", va="center", color=colour, size=9)
        axes.set_xticks(range(len(labels)), labels)
        axes.set_yticks(range(len(labels)), labels)
        axes.spines[:].set_visible(False)
        axes.tick_params(length=0)
        axes.set(xlabel="Predicted digit", ylabel="True digit")
        return finish(figure, title)


def digits(
    images: np.ndarray,
    labels: Sequence[int],
    title: str,
    predictions: Sequence[int] | None = None,
    columns: int = 10,
) -> Figure:
    """Return a grid of digits, labelled; where a prediction differs, both are shown in red.

    images: shape (n_samples, 8, 8), as `data.images` gives them.
    """
    rows = -(-len(images) // columns)
    with plt.rc_context(STYLE | {"axes.titlelocation": "center", "axes.titleweight": "normal"}):
        figure, grid = plt.subplots(
            rows, columns, figsize=(0.82 * columns, 1.12 * rows + 0.4), squeeze=False
        )
        for axes in grid.flat:
            axes.axis("off")
        predictions = labels if predictions is None else predictions
        for axes, image, label, predicted in zip(
            grid.flat, images, labels, predictions, strict=False
        ):
            right = label == predicted
            axes.imshow(image, cmap="gray_r", vmin=0, vmax=16)
            axes.set_title(
                f"{label}" if right else f"{label} read as {predicted}",
                size=9 if right else 7.5,
                pad=3,
                color=INK if right else RED,
            )
        figure.suptitle(title, x=0.01, ha="left", weight="bold", size=12)
        figure.tight_layout(h_pad=1, w_pad=0.4)
        plt.close(figure)
        return figure


def metric_curve(
    curves: Mapping[str, Sequence[float]],
    title: str,
    x: Sequence[float] | None = None,
    x_label: str = "Round",
    y_label: str = "Accuracy",
) -> Figure:
    """Return the metrics over the rounds of training, a line each, named at its end.

    x: where the points are; 1, 2, 3, … unless given.
    """
    with plt.rc_context(STYLE):
        figure, axes = plt.subplots(figsize=(7.2, 3.8))
        for values, colour in zip(curves.values(), PALETTE * 8, strict=False):
            places = range(1, len(values) + 1) if x is None else x
            axes.plot(places, values, marker="o", color=colour)
        bottom, top = axes.get_ylim()
        heights = _apart([values[-1] for values in curves.values()], (top - bottom) / 17)
        for (name, values), line, height in zip(curves.items(), axes.lines, heights, strict=True):
            axes.annotate(
                f"{name} {values[-1]:.3g}",
                (line.get_xdata()[-1], height),
                xytext=(8, 0),
                textcoords="offset points",
                va="center",
                color=line.get_color(),
                annotation_clip=False,
            )
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.set(xlabel=x_label, ylabel=y_label)
        return finish(figure, title)


def _apart(heights: Sequence[float], gap: float) -> list[float]:
    """Return the heights, raised where need be so that each is a gap above the one below it."""
    raised = list(heights)
    lowest = -np.inf
    for place in np.argsort(heights):
        raised[place] = lowest = max(heights[place], lowest + gap)
    return raised


def usage(series: Mapping[str, tuple[Sequence[datetime], Sequence[float]]], title: str) -> Figure:
    """Return what a job used over time, in percent; 100 is one core, or all the memory.

    series: name, such as "CPUUtilization", to the timestamps and values CloudWatch gives, in order
    of time. Raises: ValueError, if none has a sample.
    """
    sampled = {name: samples for name, samples in series.items() if len(samples[0])}
    if not sampled:
        raise ValueError("There are no samples to draw: has the job run for long enough?")
    start = min(times[0] for times, _ in sampled.values())
    with plt.rc_context(STYLE):
        figure, axes = plt.subplots(figsize=(7.2, 3.4))
        for (name, (times, values)), colour in zip(sampled.items(), PALETTE, strict=False):
            seconds = [(time - start).total_seconds() for time in times]
            axes.plot(seconds, values, marker="o", color=colour, label=name)
            axes.fill_between(seconds, values, color=colour, alpha=0.12)
        axes.set_ylim(bottom=0)
        axes.yaxis.set_major_formatter(PercentFormatter())
        axes.set(xlabel="Seconds since the first sample", ylabel="Used")
        axes.legend(loc="upper left", bbox_to_anchor=(1, 1))
        return finish(figure, title)


def cost(ledger: pd.DataFrame, title: str) -> Figure:
    """Return what each job and endpoint of `cost.ledger` costs, a bar each row, in US cents."""
    rows = ledger.iloc[::-1]
    with plt.rc_context(STYLE):
        figure, axes = plt.subplots(figsize=(7.2, 0.45 * len(rows) + 1.4))
        cents = rows["usd"].fillna(0) * 100
        # By place: the variants of an endpoint share its name.
        bars = axes.barh(range(len(rows)), cents, color=BLUE, height=0.6)
        axes.set_yticks(range(len(rows)), rows["job"])
        amounts = ["unknown" if pd.isna(usd) else f"{usd * 100:.2g} ¢" for usd in rows["usd"]]
        axes.bar_label(bars, amounts, padding=4, color=INK)
        axes.grid(axis="y", visible=False)
        axes.tick_params(axis="y", length=0)
        axes.margins(x=0.15)
        axes.set(xlabel="US cents")
        return finish(figure, title)


def timeline(transitions: Sequence[Mapping[str, Any]], title: str) -> Figure:
    """Return when a job was in which status, a bar each, in seconds from its start.

    transitions: SecondaryStatusTransitions of DescribeTrainingJob, oldest first.
    """
    start = transitions[0]["StartTime"]
    with plt.rc_context(STYLE):
        figure, axes = plt.subplots(figsize=(7.2, 0.42 * len(transitions) + 1.4))
        for place, step in enumerate(transitions):
            begin_s = (step["StartTime"] - start).total_seconds()
            length_s = (step.get("EndTime", step["StartTime"]) - step["StartTime"]).total_seconds()
            # What the job is for stands out from what surrounds it.
            colour = BLUE if step["Status"] == "Training" else PALE
            bar = axes.barh(place, length_s, left=begin_s, color=colour, height=0.6)
            axes.bar_label(bar, [f"{length_s:.1f} s"], padding=4, color=INK)
        axes.set_yticks(range(len(transitions)), [step["Status"] for step in transitions])
        axes.invert_yaxis()
        axes.grid(axis="y", visible=False)
        axes.tick_params(axis="y", length=0)
        axes.margins(x=0.12)
        axes.set(xlabel="Seconds since the job was created")
        return finish(figure, title)


def shifts(requests: pd.DataFrame, instances: Sequence[str], title: str) -> Figure:
    """Return which instance worked on what and when: a line an instance, a bar a request.

    requests: instance, object, began (seconds since the epoch), seconds. instances: all there
    are, those without a request too.
    """
    since_s = requests["began"] - requests["began"].min()
    named = requests["object"].nunique() <= MOST_NAMED
    with plt.rc_context(STYLE):
        figure, axes = plt.subplots(figsize=(7.2, 0.7 * len(instances) + 1.5))
        for place, instance in enumerate(instances):
            own = requests["instance"] == instance
            bars = axes.barh(
                np.full(own.sum(), place),
                requests["seconds"][own],
                left=since_s[own],
                color=PALETTE[place % len(PALETTE)],
                edgecolor="white",
            )
            if named:
                names = [name.rpartition(".")[0] or name for name in requests["object"][own]]
                axes.bar_label(bars, names, label_type="center", color="white", size=8)
            if not own.any():
                axes.text(0, place, " nothing to do", va="center", color=GREY)
        axes.set_yticks(range(len(instances)), instances)
        axes.set_ylim(len(instances) - 0.4, -0.6)
        axes.grid(axis="y", visible=False)
        axes.tick_params(axis="y", length=0)
        axes.set(xlabel="Seconds since the first request")
        return finish(figure, title)


def finish(figure: Figure, title: str) -> Figure:
    """Return the figure with the title over its first axes, closed."""
    figure.axes[0].set_title(title)
    figure.tight_layout()
    plt.close(figure)
    return figure
