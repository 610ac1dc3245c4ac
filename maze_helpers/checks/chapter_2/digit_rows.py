"""The rows of what a model is asked, and which of the workshop's digits they are."""

import io
import json
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
