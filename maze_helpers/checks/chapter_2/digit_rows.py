"""The rows of what a model is asked, and which of the workshop's digits they are."""

import io
import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any

import numpy as np
import pandas as pd

from maze_helpers import data
from maze_helpers.checks.chapter_2.digit_answers import NPY, json_values

# A line of CSV, or numbers.
Row = str | tuple[float, ...]
# An index, a label or both may be beside the pixels.
_MOST_EXTRA = 3
# So many of the rows must be digits that the workshop knows, or their labels tell nothing.
KNOWN_NEEDED = 0.95
# Whether rows are scaled digits is tried on the first of them.
_TRIED = 100


@dataclass(frozen=True)
class Truth:
    """The labels of rows, None where they are not known.

    scaled: whether the pixels are not from 0 to 16, as in the workshop's data. beside: whether the
    digits are not the workshop's, so that nothing but a column beside the pixels has their labels.
    """

    labels: list[int | None]
    scaled: bool = False
    beside: bool = False

    @property
    def is_known(self) -> bool:
        """Whether enough of the labels are known."""
        known = sum(label is not None for label in self.labels)
        return bool(known) and known >= KNOWN_NEEDED * len(self.labels)


def rows(body: bytes) -> list[Row] | None:
    """Return the rows of npy, JSON, JSON Lines or CSV, without a header; None of anything else."""
    if body.startswith(NPY):
        array = np.atleast_2d(np.load(io.BytesIO(body), allow_pickle=False))
        return [tuple(row) for row in array.reshape(len(array), -1).tolist()]
    try:
        text = body.decode()
    except UnicodeDecodeError:
        return None
    try:
        values = list(json_values(text))
    except ValueError:
        lines = [line for line in text.splitlines() if line.strip()]
        return lines if _numbers(lines[0]) else lines[1:]
    if len(values) == 1:
        [value] = values
        value = _longest_list(value) if isinstance(value, dict) else value
        values = value if _holds_rows(value) else [value]
    return [_row(value) for value in values]


@lru_cache(maxsize=4096)
def label_of(row: Row) -> int | None:
    """Return the label of the digit in a row; None, if it is none of the workshop's."""
    numbers = _numbers(row) if isinstance(row, str) else row
    width = len(data.PIXELS)
    for first in range(min(len(numbers) - width, _MOST_EXTRA) + 1):
        label = _labels().get(tuple(numbers[first : first + width]))
        if label is not None:
            return label
    return None


def truth_of(asked: list[Row]) -> Truth:
    """Return the labels of rows, whose pixels may have been scaled."""
    found = Truth([label_of(row) for row in asked])
    numbers = None if found.is_known else _table(asked)
    if numbers is None:
        return found
    for first, scale, shift in _scalings(numbers.shape[1]):
        tried = Truth(_looked_up(numbers[:_TRIED], first, scale, shift))
        if tried.is_known:
            return Truth(_looked_up(numbers, first, scale, shift), scaled=True)
    beside = _labels_beside(numbers)
    return found if beside is None else Truth(beside, beside=True)


def holds_labels(asked: list[Row], labels: list[int | None]) -> bool:
    """Return whether the labels are a column of rows, before or after the pixels."""
    numbers = _table(asked)
    if numbers is None or numbers.shape[1] <= len(data.PIXELS):
        return False
    truth = np.array(labels, dtype=float)
    extra = numbers.shape[1] - len(data.PIXELS)
    columns = [*range(extra), *range(-extra, 0)]
    return any(np.array_equal(numbers[:, column], truth) for column in columns)


def _table(asked: list[Row]) -> np.ndarray | None:
    """Return rows as an array; None, if they are not as long as each other and as a digit."""
    table = [_numbers(row) if isinstance(row, str) else row for row in asked]
    widths = {len(row) for row in table}
    if len(widths) != 1 or max(widths) < len(data.PIXELS):
        return None
    return np.array(table, dtype=float)


def _scalings(width: int) -> Iterator[tuple[int, Any, Any]]:
    """Yield where the pixels may begin in rows, and what undoes a scaling: a factor, an addend."""
    for first in range(min(width - len(data.PIXELS), _MOST_EXTRA) + 1):
        for scale, shift in _undoing():
            yield first, scale, shift


@cache
def _undoing() -> list[tuple[Any, Any]]:
    """Return what undoes the usual scalings: by a number, standardised, or from 0 to 1."""
    found: list[tuple[Any, Any]] = [(16, 0), (255, 0)]
    for part in (pd.concat(data.digits()), *data.digits()):
        pixels = part[data.PIXELS].to_numpy(dtype=float)
        spread, span = pixels.std(axis=0), pixels.max(axis=0) - pixels.min(axis=0)
        found += [
            (pixels.std(), pixels.mean()),
            (np.where(spread == 0, 1, spread), pixels.mean(axis=0)),
            (np.where(span == 0, 1, span), pixels.min(axis=0)),
        ]
    return found


def _looked_up(numbers: np.ndarray, first: int, scale: Any, shift: Any) -> list[int | None]:
    pixels = np.rint(numbers[:, first : first + len(data.PIXELS)] * scale + shift)
    return [_labels().get(tuple(row)) for row in pixels.tolist()]


def _labels_beside(numbers: np.ndarray) -> list[int | None] | None:
    """Return the one column that holds all ten digits, before or after 64 other numbers."""
    if numbers.shape[1] != len(data.PIXELS) + 1:
        return None
    columns = [numbers[:, place].tolist() for place in (0, -1)]
    found = [column for column in columns if set(column) == set(range(10))]
    return [int(label) for label in found[0]] if len(found) == 1 else None


@cache
def _labels() -> dict[tuple[float, ...], int]:
    digits = pd.concat(data.digits())
    pixels = map(tuple, digits[data.PIXELS].to_numpy().tolist())
    return dict(zip(pixels, digits[data.LABEL].tolist(), strict=True))


def _numbers(line: str) -> tuple[float, ...]:
    """Return the numbers of a line of CSV; none, if it holds anything else."""
    try:
        return tuple(map(float, line.split(",")))
    except ValueError:
        return ()


def _holds_rows(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(row, list | dict) for row in value)


def _row(value: Any) -> Row:
    if isinstance(value, dict):
        value = _longest_list(value)
    is_numbers = isinstance(value, list) and all(isinstance(each, int | float) for each in value)
    return tuple(value) if is_numbers else json.dumps(value)


def _longest_list(value: dict[str, Any]) -> list:
    """Return the longest list in an object; its values, if there is none."""
    lists = [member for member in value.values() if isinstance(member, list)]
    return max(lists, key=len, default=list(value.values()))
