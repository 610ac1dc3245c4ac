"""Whether the metrics that a job reported are its model's own scores."""

import ast
from collections.abc import Mapping, Sequence

from maze_helpers.checks.check import Missing
from maze_helpers.checks.job_files import Readings
from maze_helpers.checks.scores import (
    TELLING_DECIMALS,
    Number,
    Scores,
    impostor,
    scores_of,
)
from maze_helpers.checks.script import Script

# As far apart may be a score of the digits in the channel and one of digits that the script chose.
FAR = 0.05
AVERAGES = ("macro", "weighted", "micro")
# Those of scikit-learn that return f1.
F1_FUNCTIONS = {"f1_score", "fbeta_score", "precision_recall_fscore_support"}
# The metrics' last values, by the names of their definitions.
Values = Mapping[str, Mapping[str, Number]]


def agree(last: Values, digits: Readings, scripts: list[Script]) -> bool:
    """Return whether the metrics are the model's own scores of the digits, by one average."""
    return not _nearest(last, digits, _averages(scripts))[0]


def judge_digits(last: Values, trained: Readings | None) -> None:
    """Raise Missing, if metrics that are not those of the tests are exactly the training's."""
    numbers = [number for values in last.values() for number in values.values()]
    if (
        trained is None
        or not numbers
        or any(number.decimals < TELLING_DECIMALS for number in numbers)
    ):
        return
    if not _nearest(last, trained, AVERAGES)[0]:
        metric, values = next((metric, values) for metric, values in last.items() if values)
        name, number = next(iter(values.items()))
        raise Missing(
            f"{name} is {number.text}, which is the model's {metric} on the digits of its channel "
            "train, as the other scores are: evaluate the model on those of the channel for tests."
        )


def judge_near(last: Values, digits: Readings, scripts: list[Script]) -> None:
    """Raise Missing, if a metric is another of the model's scores, or far from its own."""
    wrong, scores = _nearest(last, digits, _averages(scripts))
    for metric in wrong:
        _judge_value(metric, last[metric], scores)


def _nearest(last: Values, digits: Readings, averages: Sequence[str]) -> tuple[list[str], Scores]:
    """Return which metrics are not the model's own scores of the digits, and those scores.

    Nobody reports two metrics by one average and the third by another, which is much like it: the
    average is the one by which the fewest metrics are wrong.
    """
    compared = []
    for average in averages:
        scores = scores_of(*digits, [average])
        wrong = [metric for metric, values in last.items() if not _is_own(metric, values, scores)]
        compared.append((wrong, scores))
    return min(compared, key=lambda one: len(one[0]))


def _averages(scripts: list[Script]) -> Sequence[str]:
    """Return the averages that the scripts of a job name; all, where they name none.

    All as well, where a report has them unasked, or where f1 is of the script's own making.
    """
    strings = " ".join(string.lower() for script in scripts for string in script.strings)
    named = [average for average in AVERAGES if average in strings]
    used = set().union(*map(_names, scripts))
    if not named or "classification_report" in used or used.isdisjoint(F1_FUNCTIONS):
        return AVERAGES
    return named


def _names(script: Script) -> set[str]:
    """Return the names that a script uses, attributes and imports among them."""
    kinds = ("id", "attr", "name")
    return {str(getattr(node, kind, "")) for node in ast.walk(script.tree) for kind in kinds}


def _is_own(metric: str, values: Mapping[str, Number], scores: Scores) -> bool:
    numbers = values.values()
    return not numbers or any(n.may_be(score) for n in numbers for score in scores[metric])


def _judge_value(metric: str, values: Mapping[str, Number], scores: Scores) -> None:
    name, number = next(iter(values.items()))
    if found := impostor(metric, list(values.values()), scores):
        raise Missing(
            f"{name} is {found[0].text}, but that is the model's {found[1]} on its test digits: "
            "print each score under its own name."
        )
    (own,) = scores[metric]
    if abs(number.value - own) > FAR:
        raise Missing(
            f"{name} is {number.text}, but the model's {metric} on its test digits is {own:.4f}: "
            "which value does train.py print last?"
        )
