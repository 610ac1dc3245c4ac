"""The figures of serving say what they are told, once."""

import warnings

import matplotlib.pyplot as plt
import pytest

from maze_helpers import serving_plots

plt.switch_backend("agg")
FIGURES = {
    "stages": lambda: serving_plots.stages({"import": 4.0, "predict": 0.02}, "Waiting", "predict"),
    "calls": lambda: serving_plots.calls({"once": [0.01, 0.02], "always": [1.1]}, "Slower"),
    "batches": lambda: serving_plots.batches({1: 0.01, 16: 0.05, 64: 0.2}, "Together"),
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


def test_stages_follow_one_another():
    bars = FIGURES["stages"]().axes[0].patches
    assert [bar.get_x() for bar in bars] == [0, 4]


def test_calls_name_their_medians():
    [axes] = FIGURES["calls"]().axes
    assert {text.get_text() for text in axes.texts} == {"15 ms", "1.1 s"}


def test_batches_say_what_a_call_and_what_each_utterance_takes():
    [axes] = FIGURES["batches"]().axes
    assert [text.get_text() for text in axes.texts] == [
        "the whole call: 200 ms",
        "each utterance: 3.1 ms",
    ]


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.00034, "0.34 ms"), (0.0213, "21 ms"), (0.4, "400 ms"), (1.34, "1.3 s"), (75, "75 s")],
)
def test_times_are_written_for_people(seconds, text):
    assert serving_plots.duration(seconds) == text
