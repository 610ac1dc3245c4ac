"""Metrics as SageMaker sees them: a line a script prints, and a regex that reads it back.

A training container has no `maze_helpers`. A train script prints the same form by itself:
`print(f"accuracy={accuracy}")`.
"""

import re
from collections.abc import Iterable

# What a job reports once, at its end.
FINAL_METRICS = ("accuracy", "precision", "recall", "f1")
# What a job reports after each round of training, so that there is a curve.
ROUND_METRICS = ("train:accuracy", "validation:accuracy")

# A decimal number with an optional exponent, as Python prints a float: 0, -1.5, 1e-05.
NUMBER = r"[-+]?[0-9]*\.?[0-9]+(?:[eE][-+]?[0-9]+)?"


class MetricRegexError(ValueError):
    """A metric's regex does not hold exactly one capture group."""


def metric_regex(name: str) -> str:
    """Return the regex that reads the metric from the line `print_metric` prints.

    Example: 'f1' gives a regex that captures '0.97' in 'f1=0.97', and nothing in 'my_f1=0.97'.
    """
    return rf"(?:^|\s){re.escape(name)}=({NUMBER})"


def metric_definitions(*names: str) -> list[dict[str, str]]:
    """Return the estimator's `metric_definitions` for the names, or for all of ours.

    Source: CreateTrainingJob, AlgorithmSpecification.MetricDefinitions.
    """
    return [
        {"Name": name, "Regex": metric_regex(name)}
        for name in names or FINAL_METRICS + ROUND_METRICS
    ]


def print_metric(name: str, value: float) -> None:
    """Print the metric in the one form our definitions match, such as `accuracy=0.975`."""
    print(f"{name}={float(value)!r}")


def scrape_metric(regex: str, log_lines: Iterable[str]) -> list[float]:
    """Return the metric's values in log order: every match on every line.

    Example: 'val_loss=([0-9.]+)' on 'epoch 1 val_loss=0.9' gives [0.9].
    regex: holds exactly one capture group, the number.
    Raises: MetricRegexError, if the number of groups is not one.
    Source: CreateTrainingJob, AlgorithmSpecification.MetricDefinitions.
    """
    pattern = re.compile(regex)
    if pattern.groups != 1:
        raise MetricRegexError(
            f"The regex {regex!r} has {pattern.groups} capture groups; a metric needs exactly one."
        )
    return [float(match[1]) for line in log_lines for match in pattern.finditer(line)]


def scrape(
    log_lines: Iterable[str], definitions: list[dict[str, str]] | None = None
) -> dict[str, list[float]]:
    """Return each metric's values in log order, by name; a metric that is not there has none.

    definitions: those of `metric_definitions()` unless given.
    """
    lines = list(log_lines)
    definitions = metric_definitions() if definitions is None else definitions
    return {row["Name"]: scrape_metric(row["Regex"], lines) for row in definitions}
