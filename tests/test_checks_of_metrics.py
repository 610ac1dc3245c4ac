"""What the words of a log say that a metric's regex catches: its own metric, or another one."""

from pathlib import Path

import numpy as np
import pytest

from maze_helpers.checks import Missing
from maze_helpers.checks.metric_labels import lines_of_rounds, quantity_of
from maze_helpers.checks.metric_regexes import (
    catch,
    judge_captures,
    judge_quantity,
    other_metric,
)
from maze_helpers.checks.reported_scores import agree, judge_digits
from maze_helpers.checks.scores import REPORTED, Number, scores_of
from maze_helpers.checks.script import parse_script

LOG = [
    "SM_HP_ROUNDS=2",
    "round=1 trees=75 train:accuracy=1.0000 validation:accuracy=0.9477",
    "round=2 trees=150 train:accuracy=1.0000 validation:accuracy=0.9512",
    "accuracy=0.9641",
    "precision=0.9712",
    "recall=0.9651",
    "f1=0.9806",
    "loss=1e-05",
]


def judge(name: str, regex: str, lines: list[str] = LOG) -> None:
    """Raise Missing, if what the definition catches is amiss."""
    definition = {"Name": name, "Regex": regex}
    caught = catch(definition, lines)
    judge_captures(definition, caught, lines)
    judge_quantity(definition, caught, lines)


@pytest.mark.parametrize(
    ("name", "regex", "words"),
    [
        ("f1", r"validation:accuracy=([0-9.]+)", "catches validation:accuracy, not f1"),
        ("test:F1-Score", r"validation:accuracy=([0-9.]+)", "not test:F1-Score.*`f1=0.9806`"),
        ("validation:accuracy", r"trees=([0-9.]+)", "catches trees, not validation:accuracy"),
        ("val_acc", r"round=(\d+)", "catches round, not val_acc"),
        ("train:accuracy", r"validation:accuracy=([0-9.]+)", "catches validation:accuracy, not"),
        ("train:accuracy", r"train:accuracy=.*=([0-9.]+)", "catches validation:accuracy, not"),
        ("accuracy", r"train:accuracy=([0-9.]+)", "catches train:accuracy, not accuracy"),
        ("accuracy", r"loss=([-+0-9.e]+)", "catches loss, not accuracy"),
        ("precision", r"recall=([0-9.]+)", "catches recall, not precision"),
    ],
)
def test_a_regex_that_catches_another_quantity_is_told(name, regex, words):
    with pytest.raises(Missing, match=words):
        judge(name, regex)


@pytest.mark.parametrize(
    ("name", "regex", "lines"),
    [
        ("test:f1", r"\bf1=([0-9.]+)", LOG),
        ("F1-Score", r"f1_score ([0-9.]+)", ["f1_score 0.98", "f1=0.97"]),
        ("validation:accuracy", r"val_acc=([0-9.]+)", ["val_acc=0.95", "validation accuracy 0.9"]),
        ("stage", r"test accuracy ([0-9.]+)", ["stage 1: test accuracy 0.95"]),
        ("validation:accuracy", r"oob=([0-9.]+)", ["oob=0.95", *LOG]),
        ("validation:accuracy", r"after round: ([0-9.]+)", ["after round: 0.95", *LOG]),
        ("validation:accuracy", r"accuracy=([0-9.]+)", LOG[1:2]),
        ("validation:accuracy", r"Accuracy after training: (.+)", ["Accuracy after training: 0.9"]),
        ("f1", r"([0-9.]+) f1", ["0.97 recall 0.98 f1", "f1=0.98"]),
        ("recall", r"([0-9.]+) recall", ["0.98 precision, 0.97 recall, 0.96 f1", *LOG]),
        ("precision", r"f1: ([0-9.]+)", ["precision, recall, f1: 0.98, 0.97, 0.96", *LOG]),
        ("recall", r"f1: [0-9.]+, ([0-9.]+)", ["precision, recall, f1: 0.98, 0.97, 0.96", *LOG]),
        ("recall", r"macro avg +[0-9.]+ +([0-9.]+)", ["   macro avg  0.98  0.97  0.96", *LOG]),
        ("f1", r"INFO Test f1: (\S+)", ["2026-11-22 15:22:38,841 INFO Test f1: 0.98"]),
        ("f1", r"accuracy=([0-9.]+)", ["accuracy=0.96", "the macro f 0.96"]),
    ],
)
def test_a_regex_of_the_metric_itself_or_of_unknown_words_passes(name, regex, lines):
    judge(name, regex, lines)


@pytest.mark.parametrize(
    ("name", "regex", "words"),
    [
        ("f1", r"f1=([0-9]\.[0-9])", "captures 0.9 of 0.9806"),
        ("f1", r"f1=([0-9]+)", "captures 0 of 0.9806"),
        ("f1", r"f1=0\.([0-9]+)", "captures 9806 of 0.9806"),
        ("f1", r"f1=0(\.[0-9]{2})", "captures .98 of 0.9806"),
        ("loss", r"loss=([0-9.]+)", "captures 1 of 1e-05"),
        ("f1", r"(f1)=[0-9.]+", "captures 'f1', which is no number"),
        ("f1", r"f1=([a-z]*)", "captures nothing"),
    ],
)
def test_a_group_without_the_whole_number_is_told(name, regex, words):
    with pytest.raises(Missing, match=words):
        judge(name, regex)


@pytest.mark.parametrize(
    ("regex", "line"),
    [
        (r"f1=([0-9.]{6})", "f1=0.98064516"),
        (r"f1=([0-9]+)", "f1=1.0000"),
        (r"f1=([0-9.]+)%", "f1=98.1%"),
        (r"f1 is ([0-9.]+)\.", "f1 is 0.98."),
        (r"f1 ([0-9.]+)", "f1 0.98-0.99"),
        (r"f1-([0-9.]+)", "f1-0.98"),
        (r"f1=(\s*\S+)", "f1=  9.8e-1"),
    ],
)
def test_a_number_that_is_whole_or_just_shorter_passes(regex, line):
    judge("f1", regex, [line])


def test_a_list_of_names_before_numbers_is_no_other_metric():
    line = "precision, recall, f1: 0.98, 0.97, 0.96; 0.97 recall 0.96 f1"
    for name, regex in [("precision", r"f1: ([0-9.]+)"), ("f1", r"([0-9.]+) f1")]:
        assert other_metric(name, catch({"Name": name, "Regex": regex}, [line])) is None


@pytest.mark.parametrize(
    ("words", "measures", "part"),
    [
        ("validation:accuracy", {"accuracy"}, "validation"),
        ("val_acc", {"accuracy"}, "validation"),
        ("F1 Score (test)", {"f1"}, "test"),
        ("accuracy after training", {"accuracy"}, None),
        ("account of evaluation", set(), None),
    ],
)
def test_words_name_a_measure_and_its_part_of_the_digits(words, measures, part):
    assert quantity_of(words).measures == measures
    assert quantity_of(words).part == part


def test_lines_of_rounds_are_those_that_recur_with_a_score():
    assert lines_of_rounds(LOG) == LOG[1:3]
    assert lines_of_rounds(["epoch 1: 0.91", "epoch 2: 0.93"]) == ["epoch 1: 0.91", "epoch 2: 0.93"]
    assert lines_of_rounds(["building tree 1 of 9", "building tree 2 of 9", "elapsed 0.1"]) == []


TRUTH = np.repeat(np.arange(10), 30)
# Rotating every seventh label keeps no two averages alike.
READ = np.where(np.arange(300) % 7 == 0, TRUTH // 2, TRUTH)


def last(average: str) -> dict[str, dict[str, Number]]:
    """Return the scores by an average as the last values of their definitions."""
    scores = scores_of(TRUTH, READ, [average])
    return {name: {name: Number.read(f"{scores[name][0]:.4f}")} for name in REPORTED}


@pytest.mark.parametrize(
    ("source", "average", "agrees"),
    [
        ("", "micro", True),
        ("f1_score(average='macro')", "micro", False),
        ("f1_score(average='macro')", "macro", True),
        ("'The macro averages.'\nf1_score(average='weighted')", "weighted", True),
        ("p = precision_score(average='macro'); f1 = 2 * p * r / (p + r)", "micro", True),
        ("f1_score(average='macro'); print(metrics.classification_report())", "weighted", True),
        ("from sklearn.metrics import classification_report as r; 'macro'", "weighted", True),
    ],
)
def test_the_averages_that_a_script_names_are_compared(source, average, agrees):
    script = parse_script(source.encode(), Path(), "train.py")
    assert agree(last(average), (TRUTH, READ), [script]) == agrees
    assert agree(last(average), (TRUTH, READ), [])


def test_scores_of_the_training_digits_are_told_of_where_they_are_exact():
    with pytest.raises(Missing, match="on the digits of its channel train"):
        judge_digits(last("macro"), (TRUTH, READ))
    judge_digits(last("macro"), (TRUTH, TRUTH))
    judge_digits(last("macro"), None)
    judge_digits({"f1": {"f1": Number.read("0.9")}}, (TRUTH, READ))
    judge_digits({"f1": {}}, (TRUTH, READ))
