"""Scores as people print them, and whether they are what they are called."""

import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from sklearn.metrics import accuracy_score, precision_recall_fscore_support

from maze_helpers.checks.check import Missing

REPORTED = ("precision", "recall", "f1")
# Below this many decimals, two scores of one model are often the same by chance.
TELLING_DECIMALS = 3

# Scores by name: each has several, by what they are averages of.
Scores = Mapping[str, Sequence[float]]

_NAMES = {
    "precision": "precision",
    "recall": "recall",
    "f1": r"(?<![a-z])f[-_]?1(?!\d)(?:[- ]score|\w+)?|(?<![a-z])f[-_ ]?(?:score|measure)",
    "accuracy": "accuracy",
}
_TOKEN = re.compile(
    "|".join(f"(?P<{name}>{pattern})" for name, pattern in _NAMES.items())
    + r"|(?<![\w.])(?P<number>[-+]?(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?)(?P<percent>\s?%)?(?!\w)"
)
# How NumPy shows a number in a dict or a list: np.float64(0.97).
_NUMPY = re.compile(r"np\.float\d+\(")


@dataclass(frozen=True)
class Number:
    """A number as it was printed. decimals: how many of a share it shows; 0.97 and 97 % show 2."""

    value: float
    decimals: int
    text: str

    @classmethod
    def read(cls, text: str, percent: bool = False) -> "Number":
        """Return the number of a text such as "0.97", "97.2" (percent) or "1e-05"."""
        digits, _, exponent = text.lower().partition("e")
        decimals = len(digits.partition(".")[2]) - int(exponent or 0)
        value = float(text)
        if percent:
            value, decimals = value / 100, decimals + 2
        return cls(value, max(decimals, 0), f"{text} %" if percent else text)

    def may_be(self, score: float, ulps: float = 1.0) -> bool:
        """Return whether the score may have been printed so, rounded or cut off."""
        spread = ulps * 10.0**-self.decimals if self.decimals else 0.0
        return abs(self.value - score) <= spread + 1e-9

    @property
    def as_shares(self) -> "tuple[Number, ...]":
        """The number, and what it is if it was meant as a percentage."""
        if not 1 < self.value <= 100:
            return (self,)
        return (self, Number(self.value / 100, self.decimals + 2, self.text))


def printed_scores(text: str) -> dict[str, list[Number]]:
    """Return the numbers that were printed under each name, in order.

    Example: "Precision: 0.97, f1-score 96.5 %" has precision 0.97 and f1 96.5 %. The names of a
    table's head have the columns beneath them; where there are no columns, all the numbers.
    """
    found: dict[str, list[Number]] = {}
    names: list[str] = []
    numbers: list[Number] = []
    for line in _NUMPY.sub("(", text.lower()).splitlines():
        for kind, number in _in_order(line):
            if number is not None:
                numbers.append(number)
            elif numbers and names:
                _assign(found, names, numbers)
                names, numbers = [kind], []
            else:
                names, numbers = [*names, kind], []
    _assign(found, names, numbers)
    return found


def _in_order(line: str) -> list[tuple[str, Number | None]]:
    """Return the names and numbers of a line; "0.97 precision" is turned round."""
    tokens = [_token(match) for match in _TOKEN.finditer(line)]
    kinds = [number is None for _, number in tokens]
    if len(kinds) % 2 == 0 and kinds == [False, True] * (len(kinds) // 2):
        turned = [(tokens[i + 1], tokens[i]) for i in range(0, len(tokens), 2)]
        return [token for pair in turned for token in pair]
    return tokens


def _token(match: re.Match[str]) -> tuple[str, Number | None]:
    if match["number"] is None:
        return match.lastgroup, None
    return "number", Number.read(match["number"], bool(match["percent"]))


def _assign(found: dict[str, list[Number]], names: list[str], numbers: list[Number]) -> None:
    # In a table, whole numbers name the rows, or count what is in them.
    cells = [number for number in numbers if "." in number.text or "%" in number.text]
    rows = numbers if len(numbers) == len(names) else cells
    in_columns = len(names) > 1 and len(rows) % len(names) == 0
    for place, name in enumerate(names):
        of_name = rows[place :: len(names)] if in_columns else numbers
        found.setdefault(name, []).extend(of_name)


def scores_of(truth: Sequence, predicted: Sequence, averages: Iterable[str]) -> dict[str, list]:
    """Return precision, recall and f1 by each of the averages, and the accuracy."""
    scores: dict[str, list] = {name: [] for name in REPORTED}
    for average in averages:
        three = precision_recall_fscore_support(truth, predicted, average=average, zero_division=0)
        for name, score in zip(REPORTED, three, strict=False):
            scores[name].append(float(score))
    return {**scores, "accuracy": [float(accuracy_score(truth, predicted))]}


def scores_of_calls(calls: Sequence[Mapping]) -> dict[str, list[float]]:
    """Return the scores that a script may print honestly, by what metrics returned to it.

    That includes the mean over calls, as of a cross-validation, and F1 of what it computed.
    calls: those that recorded_run writes down.
    """
    scores: dict[str, list[float]] = {name: [] for name in _NAMES}
    for call in [*calls, *_means(calls)]:
        for name in _NAMES:
            scores[name] += call.get(name, [])
        for precision, recall in zip(
            *(call.get(name, []) for name in ("precision", "recall")), strict=True
        ):
            if precision + recall:
                scores["f1"].append(2 * precision * recall / (precision + recall))
    return scores


def _means(calls: Sequence[Mapping]) -> Iterator[dict[str, list[float]]]:
    """Yield the means over the classes of a call, and over the calls with the same average."""
    for call in calls:
        yield {name: [float(np.mean(row))] for name, row in call.items() if name in _NAMES and row}
    for average in {call["average"] for call in calls}:
        alike = [call for call in calls if call["average"] == average]
        rows = {name: [call[name] for call in alike if name in call] for name in _NAMES}
        yield {
            name: np.mean(values, axis=0).tolist()
            for name, values in rows.items()
            if len({len(value) for value in values}) == 1
        }


def impostor(name: str, numbers: Sequence[Number], scores: Scores) -> tuple[Number, str] | None:
    """Return a number that stands under the name and is another score, and which; None, if none.

    A number that is no score at all may come from anywhere and is let pass.
    """
    shares = [share for number in numbers for share in number.as_shares]
    if any(share.may_be(score) for share in shares for score in scores[name]):
        return None
    for share in shares:
        if share.decimals < TELLING_DECIMALS:
            continue
        for other in scores:
            if other != name and any(share.may_be(score, 0.5) for score in scores[other]):
                return share, other
    return None


def is_support(numbers: Sequence[Number], calls: Sequence[Mapping]) -> bool:
    """Return whether the numbers have a call's support in them: how many digits there are of each.

    The support is what precision_recall_fscore_support returns after the three scores.
    """
    values = [number.value for number in numbers]
    supports = [call["support"] for call in calls if len(call.get("support", [])) > 1]
    return any(
        values[place : place + len(support)] == support
        for support in supports
        for place in range(len(values))
    )


def are_perfect(printed: Mapping[str, Sequence[Number]], calls: Sequence[Mapping]) -> bool:
    """Return whether each precision, recall and f1 is exactly 1, as printed and as computed."""
    for name in REPORTED:
        shares = [number for number in printed[name] if "." in number.text]
        if not shares or any(number.value not in (1, 100) for number in shares):
            return False
        if not calls and shares[0].decimals < TELLING_DECIMALS:
            return False
    return all(score == 1 for call in calls for name in REPORTED for score in call.get(name, []))


def beyond(numbers: Sequence[Number]) -> Number | None:
    """Return the first number, if none of them can be a score: a share, or a percentage."""
    if any(0 <= number.value <= 100 and math.isfinite(number.value) for number in numbers):
        return None
    return numbers[0]


class NotPrinted(Missing):
    """Raised when a script does not print a score that it is asked for."""


def require_scores(script: str, stdout: str, stderr: str) -> dict[str, list[Number]]:
    """Return what a script printed under each name.

    Raises: NotPrinted, unless all three are there; Missing, unless they can be scores.
    """
    # Logging writes to stderr, which a terminal and a cell show just as well.
    printed = printed_scores(stderr) | printed_scores(stdout)
    for name in REPORTED:
        if not printed.get(name):
            raise NotPrinted(f"{script} does not print {name} with its value.")
        if number := beyond(printed[name]):
            raise Missing(f"{script} prints {number.text} as {name}, which no score can be.")
    return printed


def judge_scores(
    script: str, source: str, printed: Mapping[str, Sequence[Number]], calls: Sequence[Mapping]
) -> None:
    """Raise Missing, if a script prints a score under another's name, or one that is made up.

    printed: what require_scores returns. calls: those that recorded_run writes down.
    """
    scores = scores_of_calls(calls)
    for name in REPORTED:
        found = impostor(name, printed[name], scores)
        if found is None and is_support(printed[name], calls):
            found = printed[name][0], "support, which counts the digits of each kind"
        if found:
            number, other = found
            raise Missing(f"{script} prints {number.text} as {name}, but that is its {other}.")
    if not calls:
        _judge_made_up(script, source, printed)


def _judge_made_up(script: str, source: str, printed: Mapping[str, Sequence[Number]]) -> None:
    """Raise Missing, if every score that is printed stands in the script as it is."""
    texts = [printed[name][-1].text.removesuffix(" %") for name in REPORTED]
    if all("." in text and text in source for text in texts):
        raise Missing(
            f"{script} prints {texts[0]} as {REPORTED[0]}, but computes no score: "
            "sklearn.metrics has functions for precision, recall and f1."
        )


def trained_on(script: str, printed: Mapping[str, Sequence[Number]]) -> Missing:
    """Return what to raise, where scores are perfect as only those of known digits can be."""
    text = next(number.text for number in printed[REPORTED[0]] if "." in number.text)
    return Missing(
        f"{script} prints {text} for precision, recall and f1, which are scores of digits that "
        "the model was trained on: print those of the held-out digits."
    )
