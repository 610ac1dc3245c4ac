"""What a log says that its numbers are: by the words between a number and the one before it."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

# A number by itself, so not the 1 of f1; a date is several.
_NUMBER = re.compile(r"(?<![\w.])[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?(?!\.?\w)")
_MEASURES = {
    "precision": r"precision|(?<![a-z])prec(?![a-z])",
    "recall": r"recall",
    "f1": r"(?<![a-z0-9])f[-_ ]?1(?![0-9])|(?<![a-z])f[-_ ]?(?:score|measure)",
    "accuracy": r"accuracy|(?<![a-z])acc(?![a-z])",
    "loss": r"loss",
}
_SCORES = ("precision", "recall", "f1", "accuracy")
_PARTS = {
    "train": r"(?<![a-z])train(?:ing)?",
    "validation": r"(?<![a-z])val(?:id(?:ation)?)?",
    "test": r"(?<![a-z])test(?:ing)?",
}
# What counts the rounds, where the number after it is a whole one.
_COUNTER = re.compile(
    r"(?<![a-z])(?:trees?|estimators|depth|rounds?|epochs?|iter(?:ation)?s?|steps?|stages?)\W*$"
)
_EDGES = " \t=:,;|'\"{}[]()"
# The image writes down its environment, where anything may look like a metric.
_OF_THE_IMAGE = "SM_"


@dataclass(frozen=True)
class Quantity:
    """What words name: measures, such as f1, and the part of the digits that they are of, if any.

    Example: "validation:accuracy" and "val_acc" name the accuracy of the part validation.
    """

    measures: frozenset[str]
    part: str | None

    def differs_from(self, meant: "Quantity") -> bool:
        """Return whether this plainly is another quantity than the one that is meant."""
        if not self.measures or not meant.is_score:
            return False
        if not meant.measures <= self.measures:
            return True
        return self.is_score and self.part is not None and self._of_test != meant._of_test

    def is_just(self, meant: "Quantity") -> bool:
        """Return whether this plainly is the quantity that is meant."""
        return self.measures == meant.measures and self._of_test == meant._of_test

    @property
    def is_score(self) -> bool:
        """Whether it is one score, rather than several or something else."""
        return len(self.measures) == 1 and self.measures < set(_SCORES)

    @property
    def _of_test(self) -> str:
        # A score by no part's name is the final one, of the tests.
        return self.part or "test"


@dataclass(frozen=True)
class Label:
    """The words before a number and after it, up to the numbers beside it, and the number."""

    before: str
    number: str
    after: str

    @property
    def quantity(self) -> Quantity:
        """What the words before the number name."""
        named = quantity_of(self.before)
        if self.number.isdigit() and _COUNTER.search(self.before.lower()):
            return Quantity(named.measures | {"count"}, named.part)
        return named

    @property
    def words(self) -> str:
        """The words before the number: the last one alone, where it names the quantity."""
        phrase = self.before.strip(_EDGES)
        last = re.split(r"[\s,;{}\[\]()|'\"]+", phrase)[-1]
        known = quantity_of(last).measures or not quantity_of(phrase).measures
        return last if known else phrase

    def may_name(self, measure: str) -> bool:
        """Return whether the words before the number name the measure, or those after it alone.

        As in "precision, recall: 0.98, 0.97", and in "0.98 precision, 0.97 recall".
        """
        after = set() if re.search("[=:]", self.after) else quantity_of(self.after).measures
        return measure in self.quantity.measures | after


def quantity_of(words: str) -> Quantity:
    """Return what words name, as far as that is known."""
    words = words.lower()
    measures = {name for name, pattern in _MEASURES.items() if re.search(pattern, words)}
    parts = {
        part for part in _PARTS for measure in measures if _stand_together(part, measure, words)
    }
    return Quantity(frozenset(measures), parts.pop() if len(parts) == 1 else None)


def _stand_together(part: str, measure: str, words: str) -> bool:
    """Return whether the words have a part beside a measure, in either order."""
    one, other = rf"(?:{_PARTS[part]})(?![a-z])", f"(?:{_MEASURES[measure]})"
    between = r"[\W_]{0,3}(?:score[\W_]{0,3})?"
    return bool(re.search(f"{one}{between}{other}|{other}{between}{one}", words))


def label_at(line: str, start: int, end: int) -> Label:
    """Return the label of the number that a line has from start to end."""
    numbers = list(_NUMBER.finditer(line))
    begin = max((number.end() for number in numbers if number.end() <= start), default=0)
    stop = min((number.start() for number in numbers if number.start() >= end), default=len(line))
    return Label(line[begin:start], line[start:end], line[end:stop])


def labels_in(lines: Iterable[str]) -> Iterator[Label]:
    """Yield the labels of all the numbers that a script printed."""
    for line in printed(lines):
        for number in _NUMBER.finditer(line):
            yield label_at(line, number.start(), number.end())


def printed(lines: Iterable[str]) -> list[str]:
    """Return the lines of a log but those in which the image writes down its environment."""
    return [line for line in lines if not line.startswith(_OF_THE_IMAGE)]


def lines_of_rounds(lines: Iterable[str]) -> list[str]:
    """Return the lines that were printed most often with other numbers, and that have scores.

    Example: "round=1 val_acc=0.91" and "round=2 val_acc=0.95"; nothing, where no line recurs.
    """
    forms: dict[str, list[str]] = {}
    for line in printed(lines):
        labels = list(labels_in([line]))
        named = [label for label in labels if label.quantity.measures]
        if named and any("." in label.number for label in labels):
            forms.setdefault(_NUMBER.sub("#", line), []).append(line)
    return max(forms.values(), key=len, default=[])
