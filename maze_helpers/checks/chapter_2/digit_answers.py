"""Finding the digits in what a model answers, however it writes and wraps them."""

import csv
import io
import json
from collections.abc import Iterator
from itertools import chain
from typing import Any

import numpy as np

NPY = b"\x93NUMPY"
# Rows of so many values may hold a digit and something about it; longer ones are no answer.
WIDEST = 4
# Where a transform job joins the answer with its input, and that is JSON.
_JOINED = "SageMakerOutput"


def readings(body: bytes, count: int) -> Iterator[np.ndarray]:
    """Yield whatever in an answer may be that many digits."""
    for values in columns(body):
        digits = as_digits(values)
        if digits is not None and len(digits) == count:
            yield digits


def as_digits(values: list) -> np.ndarray | None:
    """Return values that are digits as numbers, or None; ["3"] and [[3]] count as 3."""
    try:
        numbers = np.array(values, dtype=float).reshape(len(values), -1)
    except (TypeError, ValueError, OverflowError):
        return None
    if numbers.shape[1] != 1 or not np.isin(numbers, range(10)).all():
        return None
    return numbers[:, 0]


def columns(body: bytes) -> Iterator[list]:
    """Yield the lists and columns of an answer, the likeliest first: npy, JSON, JSON Lines, CSV."""
    if body.startswith(NPY):
        yield from _of_npy(body)
        return
    try:
        text = body.decode()
    except UnicodeDecodeError:
        return
    try:
        values = list(json_values(text))
    except ValueError:
        yield from _of_csv(body)
    else:
        yield from lists(values)


def json_values(text: str) -> Iterator[Any]:
    """Yield the JSON values in a text, one after another; raise ValueError, if there is more.

    Example: '[1, 2]\\n[3]' gives [1, 2] and [3].
    """
    decoder, place = json.JSONDecoder(), 0
    text = text.strip()
    while place < len(text):
        value, place = decoder.raw_decode(text, place)
        yield value
        while place < len(text) and text[place].isspace():
            place += 1


def _of_npy(body: bytes) -> Iterator[list]:
    stream, arrays = io.BytesIO(body), []
    while stream.tell() < len(body):
        try:
            arrays.append(np.atleast_1d(np.load(stream, allow_pickle=False)))
        except (ValueError, EOFError):
            return
    yield list(chain.from_iterable(array.tolist() for array in arrays))


def csv_rows(body: bytes) -> list[list[str]]:
    """Return the rows of CSV, without empty ones; none, if it is not CSV."""
    try:
        return [row for row in csv.reader(io.StringIO(body.decode())) if row]
    except (csv.Error, UnicodeDecodeError):
        return []


def _of_csv(body: bytes) -> Iterator[list]:
    """Yield the columns from the last, where a joined answer is, to the first."""
    rows = csv_rows(body)
    if len({len(row) for row in rows}) == 1:
        yield from ([row[place] for row in rows] for place in range(-1, -len(rows[0]) - 1, -1))
    if rows:
        yield list(chain.from_iterable(rows))


def lists(values: list) -> Iterator[list]:
    """Yield every list in a list of values, and each column of a list of objects or short rows."""
    yield values
    if values and all(isinstance(value, dict) for value in values):
        names = sorted(values[0], key=lambda name: name != _JOINED)
        for name in names:
            yield from lists([value.get(name) for value in values])
    if values and all(isinstance(value, list) for value in values):
        widths = {len(value) for value in values}
        if len(widths) == 1 and 1 < max(widths) <= WIDEST:
            yield from (list(column) for column in zip(*values, strict=True))
        yield from lists(list(chain.from_iterable(values)))
