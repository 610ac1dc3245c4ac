"""The figures of the intents, in the style of `plots`: the title states the finding.

Each function returns its figure, closed, so that a notebook shows it once: as a cell's last value.
"""

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, PercentFormatter

from maze_helpers.plots import BLUE, FAINT, GREEN, INK, ORANGE, PALE, RED, STYLE

# In a figure of two models, the first is the one to beat.
COLOURS = (ORANGE, BLUE, GREEN, RED)
INCHES_A_ROW = 0.21
# Of a histogram from nothing in common to the same words.
BINS = np.linspace(0, 1, 26)


def recall(truth: Sequence[str], predicted: Sequence[str]) -> pd.Series:
    """Return which share of each intent's utterances was recognised, the lowest first."""
    right = pd.Series(np.asarray(truth) == np.asarray(predicted), index=np.asarray(truth))
    return right.groupby(level=0).mean().sort_values(kind="stable")


def confused(truth: Sequence[str], predicted: Sequence[str]) -> pd.Series:
    """Return how many utterances of one intent were taken for another, the most frequent first.

    Its index holds the pairs (true intent, predicted intent).
    """
    pairs = pd.DataFrame({"truth": np.asarray(truth), "predicted": np.asarray(predicted)})
    return pairs[pairs["truth"] != pairs["predicted"]].value_counts()


def counts(intents: Sequence[str], title: str) -> Figure:
    """Return how many utterances each intent has, a bar each, the most on top."""
    rows = pd.Series(np.asarray(intents)).value_counts()[::-1]
    with plt.rc_context(STYLE):
        figure, axes = _rows_of(rows.index, "Utterances")
        bars = axes.barh(range(len(rows)), rows, color=BLUE, height=0.7)
        axes.bar_label(bars, padding=4, color=INK, size=8)
        return _finish(figure, title)


def per_intent(
    truth: Sequence[str], predictions: Mapping[str, Sequence[str]], title: str
) -> Figure:
    """Return which share of each intent's utterances each model recognised, a dot a model.

    predictions: by the model's name, in the order of truth. The last model's best intent is on top.
    """
    shares = pd.DataFrame({name: recall(truth, own) for name, own in predictions.items()})
    shares = shares.sort_values(list(predictions)[::-1])
    with plt.rc_context(STYLE):
        figure, axes = _rows_of(shares.index, "Recognised, of an intent's utterances")
        lowest, highest = shares.min(axis=1), shares.max(axis=1)
        axes.hlines(range(len(shares)), lowest, highest, color=PALE, zorder=1)
        for name, colour in zip(shares, COLOURS * 3, strict=False):
            axes.scatter(shares[name], range(len(shares)), s=28, color=colour, label=name)
        axes.set_xlim(min(lowest.min(), 0.9) - 0.05, 1.02)
        axes.xaxis.set_major_formatter(PercentFormatter(1, decimals=0))
        if len(predictions) > 1:
            axes.legend(loc="upper left", bbox_to_anchor=(1, 1))
        return _finish(figure, title)


def most_confused(
    truth: Sequence[str], predicted: Sequence[str], title: str, most: int = 12
) -> Figure:
    """Return the pairs of intents confused most often, a bar each: true intent → predicted one."""
    pairs = confused(truth, predicted).head(most)[::-1]
    names = [f"{true} → {other}" for true, other in pairs.index]
    with plt.rc_context(STYLE):
        figure, axes = _rows_of(names, "Utterances of the first taken for the second")
        axes.barh(range(len(pairs)), pairs, color=RED, height=0.7)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        return _finish(figure, title)


def likeness(shares: Mapping[str, Sequence[float]], title: str, x_label: str) -> Figure:
    """Return how like its nearest training utterance each held-out one is, a histogram a set.

    shares: by the set's name, from 0 (nothing in common) to 1 (the same words).
    """
    with plt.rc_context(STYLE):
        figure, axes = plt.subplots(figsize=(7.2, 3.4))
        for (name, values), colour in zip(shares.items(), COLOURS, strict=False):
            weights = np.full(len(values), 1 / len(values))
            axes.hist(values, BINS, weights=weights, color=colour, alpha=0.55, label=name)
            axes.axvline(np.median(values), color=colour, linestyle="--")
        axes.yaxis.set_major_formatter(PercentFormatter(1))
        axes.set(xlabel=f"{x_label}; dashed: the median", ylabel="Of the set's utterances")
        axes.legend(loc="upper left", bbox_to_anchor=(1, 1))
        return _finish(figure, title)


def _rows_of(names: Sequence[str], x_label: str) -> tuple[Figure, Axes]:
    """Return a figure with a row a name, from the bottom up."""
    figure, axes = plt.subplots(figsize=(7.2, INCHES_A_ROW * len(names) + 1.4))
    axes.set_yticks(range(len(names)), names, size=8)
    axes.set_ylim(-0.7, len(names) - 0.3)
    axes.grid(axis="y", visible=False)
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_color(FAINT)
    axes.set(xlabel=x_label)
    return figure, axes


def _finish(figure: Figure, title: str) -> Figure:
    # Names of intents are long: a title that begins at the axes would leave the figure.
    figure.suptitle(title, x=0.01, ha="left", weight="bold", size=12)
    figure.tight_layout()
    plt.close(figure)
    return figure
