"""Whether the outputs of a batch transform job are the digits of its input."""

import gzip
from dataclasses import dataclass
from typing import Any

import boto3
import numpy as np

from maze_helpers import s3_urls
from maze_helpers.checks.chapter_2.digit_answers import as_digits, columns, readings
from maze_helpers.checks.chapter_2.digit_rows import Row, label_of, rows
from maze_helpers.checks.chapter_2.transform_data import Object, input_objects, listed, output_of
from maze_helpers.checks.check import Missing
from maze_helpers.checks.model import ACCURACY_NEEDED

# So much is looked into: the rest is of the same job.
LOOKED_INTO_BYTES, LOOKED_INTO_OBJECTS = 64_000_000, 100
# As records of these, rows cannot be counted.
_BINARY = ("RecordIO", "TFRecord")
# So many of the rows must be digits that the workshop knows, or their labels tell nothing.
_KNOWN_NEEDED = 0.95


@dataclass(frozen=True)
class Steps:
    """The steps that what is missing belongs to: making the transformer, and running it."""

    order: int
    transform: int


@dataclass(frozen=True)
class Outputs:
    """What a job's outputs hold. objects: how many there are.

    predictions: how many digits were found in those looked into. accuracy: None, where the input
    is not of the workshop's digits, or is gone.
    """

    objects: int
    predictions: int
    accuracy: float | None


def judge_outputs(session: boto3.Session, job: dict[str, Any], steps: Steps) -> Outputs:
    """Return what a Completed job's outputs hold; raise Missing, if they are not the digits."""
    pairs = _pairs(session, job, steps)
    truth: list[int | None] = []
    predicted: list[float] = []
    left_bytes = LOOKED_INTO_BYTES
    for source, output in pairs[:LOOKED_INTO_OBJECTS]:
        asked = _rows(session, job, source)
        digits = _digits(output, output.read(session), asked, job, steps)
        predicted += digits.tolist()
        truth += [None] * len(digits) if asked is None else [label_of(row) for row in asked]
        left_bytes -= output.size_bytes if source is None else source.size_bytes
        if left_bytes < 0:
            break
    return Outputs(len(pairs), len(predicted), _accuracy(predicted, truth, steps))


def _pairs(
    session: boto3.Session, job: dict[str, Any], steps: Steps
) -> list[tuple[Object | None, Object]]:
    """Return each object of the input with its output; outputs alone, if the input is deleted."""
    path = job["TransformOutput"]["S3OutputPath"].rstrip("/") + "/"
    _, start = s3_urls.split(path)
    outputs = {each.key.removeprefix(start): each for each in listed(session, path)}
    sources = input_objects(session, job)
    if not sources:
        return [(None, output) for key, output in outputs.items() if key.endswith(".out")]
    pairs = [(source, output_of(source, outputs)) for source in sources]
    bare = [source.key.rpartition("/")[2] for source, output in pairs if output is None]
    if bare:
        raise Missing(
            f"{job['TransformJobName']} left no output for {len(bare)} of the {len(sources)} "
            f"objects of its input, such as {bare[0]}.",
            steps.transform,
        )
    return [(source, output) for source, output in pairs if output is not None]


def _rows(session: boto3.Session, job: dict[str, Any], source: Object | None) -> list[Row] | None:
    """Return the rows of an object of the input; None, where they cannot be told apart."""
    if source is None or job["TransformInput"].get("SplitType") in _BINARY:
        return None
    body = source.read(session)
    if job["TransformInput"].get("CompressionType") == "Gzip":
        body = gzip.decompress(body)
    return rows(body)


def _digits(
    output: Object, body: bytes, asked: list[Row] | None, job: dict[str, Any], steps: Steps
) -> np.ndarray:
    """Return the digits in an output; raise Missing, if it has not one for each row."""
    if asked == []:
        return np.array([])
    name = output.key.rpartition("/")[2]
    found = list(columns(body))
    if asked is None:
        candidates = [digits for values in found if (digits := as_digits(values)) is not None]
    else:
        candidates = list(readings(body, len(asked)))
    if candidates:
        return _best(candidates, asked or [], job)
    counts = [len(values) for values in found] or [0]
    if asked is not None and len(asked) not in counts:
        raise Missing(
            f"{name} holds {counts[0]:,} predictions for {len(asked):,} rows: is there a line for "
            "each (assemble_with='Line')?",
            steps.order,
        )
    example = str(next(iter(found[0]), ""))[:40] if found else str(body[:20])
    raise Missing(f"{name} holds no digits from 0 to 9, but such as {example!r}.", steps.transform)


def _best(candidates: list[np.ndarray], asked: list[Row], job: dict[str, Any]) -> np.ndarray:
    """Return the candidate that is meant as the predictions.

    The first, where the output has its input beside it: there the label is a column as well.
    Else whichever reads best: an answer may hold other numbers, such as confidences of 1.
    """
    joined = job.get("DataProcessing", {}).get("JoinSource") == "Input"
    if joined or not asked or len(candidates) < 2:
        return candidates[0]
    labels = np.array([np.nan if (label := label_of(row)) is None else label for row in asked])
    return max(candidates, key=lambda digits: float(np.mean(digits == labels)))


def _accuracy(predicted: list[float], truth: list[int | None], steps: Steps) -> float | None:
    """Return the share of digits that are right; None, if too few of them are known ones."""
    pairs = zip(predicted, truth, strict=True)
    right = [digit == label for digit, label in pairs if label is not None]
    if not right or len(right) < _KNOWN_NEEDED * len(truth):
        return None
    accuracy = sum(right) / len(right)
    if accuracy < ACCURACY_NEEDED:
        raise Missing(
            f"The outputs have {accuracy:.1%} of the digits right; {ACCURACY_NEEDED:.0%} are "
            "needed: does the job use the model of chapter 1, and get the pixels alone?",
            steps.transform,
        )
    return accuracy
