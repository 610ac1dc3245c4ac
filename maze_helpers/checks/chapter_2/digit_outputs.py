"""Whether the outputs of a batch transform job are the digits of its input."""

import gzip
from collections.abc import Iterator
from dataclasses import dataclass, field
from math import comb
from typing import Any

import boto3
import numpy as np

from maze_helpers.checks.chapter_2.digit_answers import as_digits, columns
from maze_helpers.checks.chapter_2.digit_rows import (
    KNOWN_NEEDED,
    Row,
    Truth,
    holds_labels,
    rows,
    truth_of,
)
from maze_helpers.checks.chapter_2.joined_answers import (
    NoAnswerKept,
    answer_columns,
    gets_all,
    is_joined,
    output_filter,
)
from maze_helpers.checks.chapter_2.transform_data import Object, Pair, read_and_written
from maze_helpers.checks.check import Missing
from maze_helpers.checks.model import ACCURACY_NEEDED

# So much is looked into: the rest is of the same job.
LOOKED_INTO_BYTES, LOOKED_INTO_OBJECTS = 64_000_000, 100
# As records of these, rows cannot be counted.
_BINARY = ("RecordIO", "TFRecord")
# Fewer different rows than are held out are judged by chance: a model that reads so many of all
# digits may misread more of those few. Only what is less likely than this is a mistake.
_ENOUGH_ROWS, _USUAL_ACCURACY, _UNLIKELY = 364, 0.97, 0.001
# Of digits that are not the workshop's, a right model may read fewer.
_NEEDED_OF_OTHERS = 0.5


@dataclass(frozen=True)
class Steps:
    """The steps that what is missing belongs to.

    upload: bringing the data. order: making the transformer. transform: running it. filter:
    leaving the label out, and joining.
    """

    upload: int
    order: int
    transform: int
    filter: int


@dataclass(frozen=True)
class Outputs:
    """What a job's outputs hold. objects: how many there are.

    predictions: how many digits were found in those looked into. accuracy: None, where the labels
    of the input are not known, or it is gone.
    """

    objects: int
    predictions: int
    accuracy: float | None


@dataclass(frozen=True)
class _Asked:
    """The rows of an object of the input, and their labels; None, where they are not known."""

    rows: list[Row] | None = None
    truth: Truth | None = None


@dataclass(frozen=True)
class _Part:
    """What of an output may be its digits, the likeliest first, and what was asked."""

    candidates: list[np.ndarray]
    asked: _Asked

    @property
    def labels(self) -> np.ndarray | None:
        """The labels of its rows, not a number where they are none; None, if none is known."""
        return None if self.asked.truth is None else np.array(self.asked.truth.labels, dtype=float)


@dataclass
class _Read:
    """The digits of the outputs so far, with the labels of their rows.

    different: the rows whose labels are known, each once.
    """

    predicted: list[float] = field(default_factory=list)
    labels: list[int | None] = field(default_factory=list)
    different: set[Row] = field(default_factory=set)
    is_scaled: bool = False
    is_of_others: bool = False

    def add(self, digits: np.ndarray, asked: _Asked) -> None:
        """Take the digits of an output."""
        self.predicted += digits.tolist()
        if asked.rows is None or asked.truth is None:
            self.labels += [None] * len(digits)
            return
        self.labels += asked.truth.labels
        known = zip(asked.rows, asked.truth.labels, strict=True)
        self.different |= {row for row, label in known if label is not None}
        self.is_scaled |= asked.truth.scaled
        self.is_of_others |= asked.truth.beside

    def accuracy(self) -> float | None:
        """Return the share of digits that are right; None, if too few of their labels are known."""
        pairs = zip(self.predicted, self.labels, strict=True)
        right = [digit == label for digit, label in pairs if label is not None]
        if not right or len(right) < KNOWN_NEEDED * len(self.labels):
            return None
        return sum(right) / len(right)


def judge_outputs(session: boto3.Session, job: dict[str, Any], steps: Steps) -> Outputs:
    """Return what a Completed job's outputs hold; raise Missing, if they are not the digits."""
    pairs = read_and_written(session, job)
    parts = list(_parts(session, _whole(pairs, job, steps), job, steps))
    handed_on = _labels_handed_on(parts, job)
    read = _Read()
    for part in parts:
        read.add(_meant(part, handed_on), part.asked)
    accuracy = read.accuracy()
    if accuracy is not None:
        _require_right(accuracy, read, job, steps)
    return Outputs(len(pairs), len(read.predicted), accuracy)


def _parts(
    session: boto3.Session,
    pairs: list[tuple[Object | None, Object]],
    job: dict[str, Any],
    steps: Steps,
) -> Iterator[_Part]:
    """Yield what is looked into, but for empty objects; raise Missing, if one has no digits."""
    left_bytes = LOOKED_INTO_BYTES
    for source, output in pairs[:LOOKED_INTO_OBJECTS]:
        asked = _asked(session, job, source)
        if asked.rows != []:
            yield _Part(_candidates(output, output.read(session), asked, job, steps), asked)
        left_bytes -= output.size_bytes if source is None else source.size_bytes
        if left_bytes < 0:
            return


def _whole(
    pairs: list[Pair], job: dict[str, Any], steps: Steps
) -> list[tuple[Object | None, Object]]:
    """Return the pairs; raise Missing, if an object has no output."""
    bare = [source.key.rpartition("/")[2] for source, output in pairs if source and not output]
    if bare:
        raise Missing(
            f"{job['TransformJobName']} left no output for {len(bare)} of the {len(pairs)} "
            f"objects of its input, such as {bare[0]}.",
            steps.transform,
        )
    return [(source, output) for source, output in pairs if output]


def _asked(session: boto3.Session, job: dict[str, Any], source: Object | None) -> _Asked:
    """Return the rows of an object; nothing, where they cannot be told apart."""
    if source is None or job["TransformInput"].get("SplitType") in _BINARY:
        return _Asked()
    body = source.read(session)
    if job["TransformInput"].get("CompressionType") == "Gzip":
        body = gzip.decompress(body)
    found = rows(body)
    return _Asked(found, truth_of(found) if found else None)


def _candidates(
    output: Object, body: bytes, asked: _Asked, job: dict[str, Any], steps: Steps
) -> list[np.ndarray]:
    """Return what may be the digits in an output; raise Missing, if it has not one a row."""
    answers = _answers(body, asked, job, steps)
    found = list(columns(body)) if answers is None else answers
    candidates = [digits for values in found if (digits := as_digits(values)) is not None]
    if asked.rows is not None:
        candidates = [digits for digits in candidates if len(digits) == len(asked.rows)]
    if not candidates:
        name = f"{output.key.rpartition('/')[2]} of {job['TransformJobName']}"
        raise _no_digits(name, found or [[str(body[:20])]], asked, steps)
    # Answers come first, and the label may be a column of the input that is beside them.
    return candidates[:1] if answers is None and is_joined(job) else candidates


def _answers(body: bytes, asked: _Asked, job: dict[str, Any], steps: Steps) -> list[list] | None:
    """Return what the model answered of an output that has its input beside it.

    None, if it has not, or that cannot be told.
    """
    if not is_joined(job):
        return None
    row = asked.rows[0] if asked.rows else None
    try:
        return answer_columns(body, job, row.count(",") + 1 if isinstance(row, str) else None)
    except NoAnswerKept as error:
        raise Missing(
            f"{job['TransformJobName']} stored nothing that the model answered: its output filter "
            f"{output_filter(job)!r} leaves that out. The answer is at the end of each CSV row, "
            "$[-1], and in SageMakerOutput of JSON.",
            steps.filter,
        ) from error


def _no_digits(name: str, found: list[list], asked: _Asked, steps: Steps) -> Missing:
    """Return what to say of an output without a digit for each row."""
    counts = [len(values) for values in found]
    if asked.rows is not None and len(asked.rows) not in counts:
        return Missing(
            f"{name} holds {counts[0]:,} predictions for {len(asked.rows):,} rows: is there a line "
            "for each (assemble_with='Line')?",
            steps.order,
        )
    example = str(next(iter(found[0]), ""))[:40]
    return Missing(f"{name} holds no digits from 0 to 9, but such as {example!r}.", steps.transform)


def _labels_handed_on(parts: list[_Part], job: dict[str, Any]) -> set[int]:
    """Return which of the candidates are labels of the input, which the script stored again.

    They are no predictions, if others beside them may be, and if so many would not be all right.
    """
    known = [part for part in parts if part.asked.rows and part.labels is not None]
    count = sum(len(part.labels) for part in known)
    counts = {len(part.candidates) for part in known}
    if len(counts) != 1 or not gets_all(job) or _USUAL_ACCURACY**count >= _UNLIKELY:
        return set()
    if not all(holds_labels(part.asked.rows, part.asked.truth.labels) for part in known):
        return set()
    places = range(max(counts))
    same = {
        place
        for place in places
        if all(np.array_equal(part.candidates[place], part.labels) for part in known)
    }
    whole = [np.concatenate([part.candidates[place] for part in known]) for place in places]
    # One value over and over, such as a confidence of 1, is no prediction either.
    varied = {place for place in places if len(np.unique(whole[place])) > 1}
    return same if varied - same else set()


def _meant(part: _Part, handed_on: set[int]) -> np.ndarray:
    """Return the candidate that is meant as the predictions.

    It is whichever reads best: an answer may hold other numbers, such as confidences of 1.
    """
    labels = part.labels
    if len(part.candidates) < 2 or labels is None:
        return part.candidates[0]
    left = [digits for place, digits in enumerate(part.candidates) if place not in handed_on]
    return max(left, key=lambda digits: float(np.mean(digits == labels)))


def _require_right(accuracy: float, read: _Read, job: dict[str, Any], steps: Steps) -> None:
    """Raise Missing, if a right model would not read so few of the digits."""
    needed = _NEEDED_OF_OTHERS if read.is_of_others else ACCURACY_NEEDED
    if accuracy >= needed or _may_be_chance(accuracy, len(read.different)):
        return
    said = (
        f"The outputs of {job['TransformJobName']} have {accuracy:.1%} of the digits right; "
        f"{ACCURACY_NEEDED:.0%} are needed:"
    )
    if read.is_scaled or read.is_of_others:
        raise Missing(
            f"{said} are the pixels as the model learnt them, from 0 to 16? Its input has others.",
            steps.upload,
        )
    raise Missing(
        f"{said} does the job use the model of chapter 1, and get the pixels alone?",
        steps.transform,
    )


def _may_be_chance(accuracy: float, row_count: int) -> bool:
    """Return whether a right model may have such an accuracy by chance, over so few rows."""
    if row_count >= _ENOUGH_ROWS:
        return False
    misread = round((1 - accuracy) * row_count)
    fewer = sum(
        comb(row_count, count)
        * (1 - _USUAL_ACCURACY) ** count
        * _USUAL_ACCURACY ** (row_count - count)
        for count in range(misread)
    )
    return 1 - fewer >= _UNLIKELY
