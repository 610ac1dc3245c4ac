"""What the regexes of metric definitions catch in a log: nothing, too much, or another metric."""

import pytest

from maze_helpers.checks import Missing
from maze_helpers.checks.metric_regexes import catch, judge_regex, other_metric

LOG = [
    "round=1 trees=20 train:accuracy=1.0000 validation:accuracy=0.9477",
    "round=2 trees=40 train:accuracy=1.0000 validation:accuracy=0.9512",
    "accuracy=0.9641",
    "precision=0.9712, recall=0.9651",
    "Test F1: 9.663e-1",
    '{"f1": 0.9663, "train_f1": 1.0}',
    "f1=nan-ish",
]


def caught(regex: str, name: str = "accuracy"):
    return catch({"Name": name, "Regex": regex}, LOG)


@pytest.mark.parametrize(
    ("regex", "names", "last"),
    [
        (r"(?:^|\s)accuracy=([0-9.]+)", ["accuracy"], 0.9641),
        (r"validation:accuracy=([0-9.]+)", ["validation:accuracy"] * 2, 0.9512),
        (r"recall=([0-9.]+)", ["recall"], 0.9651),
        (r"Test F1: ([0-9.e-]+)", ["F1"], 0.9663),
        (r'"f1": ([0-9.]+)', ["f1"], 0.9663),
        (r".*trees=(\d+)", ["trees"] * 2, 40),
    ],
    ids=["whole", "longer", "second", "words", "json", "line"],
)
def test_a_regex_that_means_one_metric_passes(regex, names, last):
    found = caught(regex)
    assert [one.name for one in found] == names
    assert found[-1].number.value == last
    judge_regex({"Name": "it", "Regex": regex}, found)


@pytest.mark.parametrize(
    ("regex", "words"),
    [
        (r"accuracy=([0-9.]+)", "catches train:accuracy as well as accuracy"),
        (r'f1": ([0-9.]+)', "catches train_f1 as well as f1"),
    ],
    ids=["colon", "underscore"],
)
def test_a_regex_that_catches_longer_names_too_is_told(regex, words):
    with pytest.raises(Missing, match=words):
        judge_regex({"Name": "it", "Regex": regex}, caught(regex))


def test_a_regex_that_catches_nothing_catches_nothing():
    assert caught("F1 = ([0-9.]+)") == []
    assert caught("f1=(nan)") == [], "SageMaker leaves out what is no number"


@pytest.mark.parametrize(
    ("regex", "words"), [("f1=[0-9.]+", "no group"), ("f1=([0-9.]+", "not a regular expression")]
)
def test_what_is_no_regex_for_a_metric_is_told(regex, words):
    with pytest.raises(Missing, match=words):
        caught(regex)


def test_a_regex_that_reads_another_metric_is_told():
    assert other_metric("f1", caught("precision=([0-9.]+)")) == "precision"
    assert other_metric("recall", caught("recall=([0-9.]+)")) is None
    assert other_metric("f1", caught("F1: ([0-9.e-]+)")) is None
    assert other_metric("f1", caught("accuracy=([0-9.]+)")) is None
