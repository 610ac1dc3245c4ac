"""What the metric definitions of a job catch in its log."""

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass

from maze_helpers.checks.check import Missing
from maze_helpers.checks.metric_labels import Label, label_at, labels_in, quantity_of
from maze_helpers.checks.scores import REPORTED, TELLING_DECIMALS, Number

# A printed name ends where one of these is, as does the number before it.
_BETWEEN = re.compile(r"[\s,;{}\[\]()|'\"]+")
_DIGITS = re.compile(r"(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?")
_MINUS = re.compile(r"[=:]\s*-$")


@dataclass(frozen=True)
class Caught:
    """What a metric's regex caught on one line: the name that is printed there, and the number.

    label: what stands in the log beside the whole number, of which it may be a part.
    """

    name: str
    number: Number
    label: Label

    @property
    def is_cut(self) -> bool:
        """Whether it is a part of a number that plainly has another value."""
        whole = Number.read(self.label.number)
        just_shorter = (
            whole.text.startswith(self.number.text)
            and self.number.decimals >= TELLING_DECIMALS
            and "e" not in whole.text.lower()
        )
        return self.number.value != whole.value and not just_shorter


def catch(definition: dict[str, str], lines: Iterable[str]) -> list[Caught]:
    """Return what a metric definition catches, in the order of the log.

    Example: the regex 'accuracy=([0-9.]+)' on 'train:accuracy=0.9' catches 0.9 as train:accuracy.
    Raises: Missing, if the regex is none, or has no group.
    """
    found = [_caught(match) for match in _matches(definition, lines)]
    return [caught for caught in found if caught is not None]


def _matches(definition: dict[str, str], lines: Iterable[str]) -> list[re.Match[str]]:
    """Return where a metric's regex matches; raise Missing, if it is none, or has no group."""
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
    return [match for line in lines for match in pattern.finditer(line)]


def _caught(match: re.Match[str]) -> Caught | None:
    """Return what a match caught; None, if that is no number, which SageMaker leaves out."""
    text = (match[1] or "").strip()
    try:
        number = Number.read(text)
    except ValueError:
        return None
    if not math.isfinite(number.value):
        return None
    before = match.string[: match.start(1)].rstrip(" =:'\"\t")
    start = match.string.index(text, match.start(1))
    start, end = _whole(match.string, start, start + len(text))
    return Caught(_BETWEEN.split(before)[-1], number, label_at(match.string, start, end))


def _whole(line: str, start: int, end: int) -> tuple[int, int]:
    """Return from where to where the number in a line goes that has a part from start to end."""
    unsigned = start + (line[start] in "-+")
    for number in _DIGITS.finditer(line):
        if number.start() <= unsigned and end <= number.end():
            minus = _MINUS.search(line[: number.start()]) is not None
            return min(start, number.start() - minus), number.end()
    return start, end


def judge_captures(definition: dict[str, str], caught: list[Caught], lines: Iterable[str]) -> None:
    """Raise Missing, if what a metric's regex captures is no number, or a part of one."""
    name = definition["Name"]
    matches = [] if caught else _matches(definition, lines)
    if matches:
        captured = f"{matches[-1][1]!r}, which is no number" if matches[-1][1] else "nothing"
        raise Missing(
            f"The regex of {name} matches, but its group captures {captured}: "
            "put the brackets around the number alone, such as ([0-9.]+)."
        )
    for one in caught:
        if one.is_cut:
            raise Missing(
                f"The regex of {name} captures {one.number.text} of {one.label.number}: "
                "let its group take the whole number, such as ([-+0-9.eE]+)."
            )


def judge_quantity(definition: dict[str, str], caught: list[Caught], lines: Iterable[str]) -> None:
    """Raise Missing, if all that a metric's regex catches is another metric's, by the log's words.

    Only where the log has the metric itself: else its words may be others than the definition's.
    """
    name, meant = definition["Name"], quantity_of(definition["Name"])
    # A regex that names the metric may well find it by a name after the number.
    named = meant.measures & quantity_of(definition["Regex"]).measures
    others = [
        one.label
        for one in caught
        if one.label.quantity.differs_from(meant)
        and not (
            one.label.quantity.measures.isdisjoint(named) and any(map(one.label.may_name, named))
        )
    ]
    if not others or len(others) < len(caught):
        return
    for own in labels_in(lines):
        if own.quantity.is_just(meant):
            raise Missing(
                f"The regex of {name} catches {others[-1].words}, not {name}: "
                f"in the log stands `{own.before.strip(' ,;{}')}{own.number}`."
            )


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
    if metric in printed or (caught and caught[-1].label.may_name(metric)):
        return None
    return next((other for other in REPORTED if other in printed), None)
