"""The figures of the intents show what was counted, and say so."""

import warnings

import matplotlib.pyplot as plt
import numpy as np
import pytest

from maze_helpers import intent_plots

plt.switch_backend("agg")
TRUTH = ["pay", "pay", "pay", "send", "send", "return", "return", "return"]
# All of "send" is right, a third of "pay", two thirds of "return".
PREDICTED = ["pay", "send", "send", "send", "send", "return", "return", "send"]
FIGURES = {
    "counts": lambda: intent_plots.counts(TRUTH, "Few ask where to send"),
    "per_intent": lambda: intent_plots.per_intent(TRUTH, {"words": PREDICTED}, "Pay is hard"),
    "most_confused": lambda: intent_plots.most_confused(TRUTH, PREDICTED, "Three mistakes"),
    "most_confused_without_a_mistake": lambda: intent_plots.most_confused(TRUTH, TRUTH, "None"),
    "likeness": lambda: intent_plots.likeness({"split": [0.9, 1], "apart": [0]}, "Apart", "Words"),
}


def names(axes) -> list[str]:
    return [tick.get_text() for tick in axes.get_yticklabels()]


@pytest.fixture(params=FIGURES)
def figure(request):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield FIGURES[request.param]()


def test_a_figure_says_the_finding_and_its_units_and_is_closed(figure):
    assert figure.get_suptitle()
    assert all(axes.get_xlabel() for axes in figure.axes)
    assert plt.get_fignums() == []


def test_recall_is_the_share_of_an_intents_own_utterances_the_lowest_first():
    shares = intent_plots.recall(TRUTH, PREDICTED)
    assert list(shares.index) == ["pay", "return", "send"]
    assert list(shares) == pytest.approx([1 / 3, 2 / 3, 1])


def test_confused_counts_pairs_of_truth_and_prediction_the_most_frequent_first():
    pairs = intent_plots.confused(TRUTH, PREDICTED)
    assert list(pairs.items()) == [(("pay", "send"), 2), (("return", "send"), 1)]


def test_the_intent_with_the_most_utterances_is_on_top():
    (axes,) = intent_plots.counts(["a", "b", "b"], "title").axes
    assert names(axes) == ["a", "b"]
    assert [bar.get_width() for bar in axes.patches] == [1, 2]


def test_each_model_has_a_dot_an_intent_and_the_last_models_best_is_on_top():
    models = {"first": TRUTH, "last": PREDICTED}
    (axes,) = intent_plots.per_intent(TRUTH, models, "title").axes
    first, last = axes.collections[1:]
    assert names(axes) == ["pay", "return", "send"]
    assert list(first.get_offsets()[:, 0]) == [1, 1, 1]
    assert list(last.get_offsets()[:, 0]) == pytest.approx([1 / 3, 2 / 3, 1])
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["first", "last"]


def test_the_pair_confused_most_often_is_on_top_and_the_rest_is_cut_off():
    (axes,) = intent_plots.most_confused(TRUTH, PREDICTED, "title", most=1).axes
    assert names(axes) == ["pay → send"]
    assert [bar.get_width() for bar in axes.patches] == [2]


def test_sets_of_different_sizes_are_compared_by_share():
    (axes,) = intent_plots.likeness({"a": [1.0] * 9, "b": [0.0]}, "title", "Words").axes
    heights = [sum(bar.get_height() for bar in bars) for bars in axes.containers]
    assert heights == pytest.approx([1, 1])
    medians = [line.get_xdata()[0] for line in axes.lines]
    assert np.array_equal(medians, [1, 0])
