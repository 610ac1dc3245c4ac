"""Scores as people print them: which number stands under which name, and whether it is that."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maze_helpers.checks.scores import (
    REPORTED,
    Number,
    beyond,
    impostor,
    printed_scores,
    scores_of,
    scores_of_calls,
)

THREE = {"precision": 0.9712, "recall": 0.9651, "f1": 0.9663}
REPORT = """
              precision    recall  f1-score   support

           0       1.00      0.97      0.99        36
           1       0.91      0.94      0.92        33

    accuracy                           0.96        69
   macro avg       0.95      0.96      0.95        69
"""
AS_DICT = "{'precision': np.float64(0.9712), 'recall': np.float64(0.9651), 'f1': 0.9663}"


@pytest.mark.parametrize(
    "text",
    [
        "precision=0.9712\nrecall=0.9651\nf1=0.9663",
        "Precision: 0.9712, Recall: 0.9651, F1-Score: 0.9663",
        "Macro precision: 97.12%\nMacro recall: 96.51 %\nMacro F1: 96.63%",
        AS_DICT,
        "precision, recall, f1: 0.9712 0.9651 0.9663",
        "precision recall f1\n0.9712 0.9651 0.9663",
        "0.9712 precision\n0.9651 recall\n0.9663 f1",
        "test_precision\t0.9712\ntest_recall\t0.9651\ntest_f1_macro\t0.9663",
        "accuracy: 0.96\nprecision: 0.9712\nrecall: 0.9651\nF-score: 0.9663",
        "precision_score = 9.712e-1, recall_score = 9.651e-1, f1_score = 9.663e-1",
    ],
    ids=["lines", "one", "percent", "dict", "names", "table", "back", "cv", "more", "exponent"],
)
def test_a_number_is_read_under_its_own_name(text):
    printed = printed_scores(text)
    for name, value in THREE.items():
        (number,) = printed[name]
        assert number.may_be(value), (name, number)


def test_a_table_is_read_by_its_columns():
    printed = printed_scores(REPORT)
    assert [number.value for number in printed["precision"]] == [1.0, 0.91]
    assert [number.value for number in printed["f1"]] == [0.99, 0.92]


def test_numbers_in_no_columns_may_be_of_any_of_the_names():
    printed = printed_scores("precision, recall and f1 by fold: 0.97 0.96")
    assert [number.value for number in printed["f1"]] == [0.97, 0.96]


@pytest.mark.parametrize(
    ("text", "missing"),
    [
        ("precision=1 recall=1", "f1"),
        ("", "recall"),
        ("f1 score of nan", "f1"),
        ("done 0.97", "f1"),
    ],
    ids=["two", "nothing", "nan", "no name"],
)
def test_what_is_not_printed_is_not_found(text, missing):
    assert not printed_scores(text).get(missing)


@given(st.floats(0, 1), st.integers(1, 12))
def test_a_score_may_be_what_it_is_printed_as(score, decimals):
    assert Number.read(f"{score:.{decimals}f}").may_be(score, 0.5)
    assert Number.read(f"{score * 100:.{decimals}f}", percent=True).may_be(score)


@given(st.floats(0, 1))
def test_a_score_is_read_from_all_the_digits_that_python_prints(score):
    assert Number.read(repr(score)).value == score
    assert printed_scores(f"f1={score!r}")["f1"] == [Number.read(repr(score))]


SCORES = {name: [score] for name, score in THREE.items()} | {"accuracy": [0.9648]}


def found(name: str, *texts: str):
    return impostor(name, [Number.read(text) for text in texts], SCORES)


@pytest.mark.parametrize("text", ["0.9663", "0.966", "0.97", "1", "96.63", "0.5", "0.96631"])
def test_a_score_that_is_its_own_or_nobodys_passes(text):
    assert found("f1", text) is None


@pytest.mark.parametrize(
    ("text", "other"),
    [("0.9712", "precision"), ("0.965", "recall"), ("0.9648", "accuracy"), ("97.12", "precision")],
    ids=["precision", "recall", "accuracy", "percent"],
)
def test_another_score_under_the_name_is_found(text, other):
    assert found("f1", text)[1] == other


def test_one_right_number_of_several_is_enough():
    assert found("f1", "0.9712", "0.9663") is None


@pytest.mark.parametrize("text", ["640", "-0.5", "101"])
def test_what_no_score_can_be_is_found(text):
    assert beyond([Number.read(text)]) is not None
    assert beyond([Number.read(text), Number.read("0.5")]) is None


def test_scores_are_those_of_each_average():
    scores = scores_of([0, 0, 1, 2], [0, 1, 1, 2], ("macro", "micro"))
    assert scores["precision"] == pytest.approx([(1 + 0.5 + 1) / 3, 0.75])
    assert scores["accuracy"] == [0.75]


def test_what_is_computed_by_hand_from_calls_is_honest():
    folds = [
        {"average": "macro", "precision": [p], "recall": [0.9], "f1": [0.91]} for p in (0.9, 1)
    ]
    scores = scores_of_calls(folds)
    assert 0.95 in scores["precision"], "the mean of the folds"
    assert any(abs(score - 0.9) < 1e-12 for score in scores["f1"]), "F1 of precision and recall"
    classes = {"average": "None", "precision": [0.8, 1.0], "recall": [1.0, 1.0], "f1": [0.9, 1.0]}
    assert pytest.approx(0.9) in scores_of_calls([classes])["precision"], "the mean of the classes"
    assert set(scores_of_calls([])) >= set(REPORTED)
