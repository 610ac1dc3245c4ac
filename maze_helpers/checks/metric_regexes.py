"""What the metric definitions of a job catch in its log."""

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass

from maze_helpers.checks.check import Missing
from maze_helpers.checks.scores import REPORTED, Number

# A printed name ends where one of these is, as does the number before it.
_BETWEEN = re.compile(r"[\s,;{}\[\]()|'\"]+")


@dataclass(frozen=True)
class Caught:
    """What a metric's regex caught on one line: the name that is printed there, and the number."""

    name: str
    number: Number


def catch(definition: dict[str, str], lines: Iterable[str]) -> list[Caught]:
    """Return what a metric definition catches, in the order of the log.

    Example: the regex 'accuracy=([0-9.]+)' on 'train:accuracy=0.9' catches 0.9 as train:accuracy.
    Raises: Missing, if the regex is none, or has no group.
    """
    name, regex = definition["Name"], definition["Regex"]
    try:
        pattern = re.compile(regex)
    except re.error as error:
        raise Missing(f"The regex of {name} is not a regular expression: {error}.") from error
    if not pattern.groups:
        raise Missing(
            f"The regex of {name} has no group: SageMaker keeps what stands in brackets, "
            "such as ([0-9.]+)."
        )
    found = [_caught(match) for line in lines for match in pattern.finditer(line)]
    return [caught for caught in found if caught is not None]


def _caught(match: re.Match[str]) -> Caught | None:
    """Return what a match caught; None, if that is no number, which SageMaker leaves out."""
    try:
        number = Number.read((match[1] or "").strip())
    except ValueError:
        return None
    if not math.isfinite(number.value):
        return None
    before = match.string[: match.start(1)].rstrip(" =:'\"\t")
    return Caught(_BETWEEN.split(before)[-1], number)


def judge_regex(definition: dict[str, str], caught: list[Caught]) -> None:
    """Raise Missing, if a metric's regex also catches metrics with a longer name.

    Such as train:accuracy, where accuracy is meant.
    """
    names = {one.name for one in caught}
    shortest = min(names, key=len, default="")
    longer = sorted(name for name in names if name != shortest and name.endswith(shortest))
    if shortest and longer:
        raise Missing(
            f"The regex of {definition['Name']} catches {longer[0]} as well as {shortest}: "
            r"let it begin with (?:^|\s), the line's start or a space."
        )


def other_metric(metric: str, caught: list[Caught]) -> str | None:
    """Return which other metric's value was caught for a metric, by the name in the log."""
    printed = caught[-1].name.lower() if caught else ""
    if metric in printed:
        return None
    return next((other for other in REPORTED if other in printed), None)
