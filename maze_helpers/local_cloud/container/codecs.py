"""Arrays as JSON, CSV and NPY, both ways, as the scikit-learn image has them.

Each behaviour is observed on sagemaker-containers 2.8.6. numpy is imported with this module: the
model needs it in any case.
"""

from __future__ import annotations

import csv
import io
import json
from typing import Any

import numpy as np

from maze_helpers.local_cloud.container.array_json import array_to_json
from maze_helpers.local_cloud.container.content_types import CSV, JSON, NPY
from maze_helpers.local_cloud.container.object_arrays import holds_objects, load_object_array

# Which arrays have elements that Python's own numbers and strings write the same way.
_PLAIN_KINDS = "biuU"


class UnsupportedFormatError(Exception):
    """There is no codec for a content type."""

    def __init__(self, content_type: str) -> None:
        super().__init__(
            f"The content type {content_type} is not supported: write an input_fn that decodes "
            "it, or an output_fn that encodes it."
        )


def decode(content: Any, content_type: str) -> np.ndarray:
    """Return the array that a request's body holds.

    content: text for JSON and CSV, bytes for NPY.
    Raises: UnsupportedFormatError; ValueError and others, if the body is not of that type.
    """
    if content_type not in _DECODERS:
        raise UnsupportedFormatError(content_type)
    return _DECODERS[content_type](content)


def encode(value: Any, content_type: str) -> str | bytes:
    """Return an array, or what can be made one, as a response's body.

    Raises: UnsupportedFormatError; TypeError and others, if the value cannot be written so.
    """
    if content_type not in _ENCODERS:
        raise UnsupportedFormatError(content_type)
    return _ENCODERS[content_type](value)


def json_to_numpy(text: str | bytes, dtype: Any = None) -> np.ndarray:
    """Return a JSON document as an array.

    Example: '[[1, 2], [3, 4]]' gives an array of two rows.
    """
    return np.array(json.loads(text), dtype=dtype)


def csv_to_numpy(text: str, dtype: Any = None) -> np.ndarray:
    """Return CSV as an array of float64, or of strings where it is not all numbers.

    Axes of length 1 are dropped. Example: '1,2\\n' gives an array of one axis, of two elements.
    dtype: what to make of it; where that cannot be, ValueError.
    """
    rows = list(csv.reader(io.StringIO(text), strict=True))
    if dtype is not None:
        return np.array(rows).squeeze().astype(dtype)
    try:
        return np.array([list(map(float, row)) for row in rows]).squeeze()
    except ValueError:
        return np.array(rows).squeeze()


def npy_to_numpy(content: bytes) -> np.ndarray:
    """Return what numpy.save wrote.

    Differs from AWS: it unpickles whatever is sent. Here an array of objects may hold plain
    values only, such as strings and numbers, so that no caller can run code in the server.
    """
    if holds_objects(content):
        return load_object_array(content)
    return np.load(io.BytesIO(content), allow_pickle=False)


def array_to_csv(value: Any) -> str:
    """Return CSV: a line for each row, or for each element where there is one axis."""
    array = np.array(value)
    if array.ndim == 1:
        array = array.reshape(-1, 1)
    is_plain = array.dtype.kind in _PLAIN_KINDS or array.dtype == np.float64
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n", strict=True)
    writer.writerows(array.tolist() if is_plain and array.ndim == 2 else array)
    return stream.getvalue()


def array_to_npy(value: Any) -> bytes:
    """Return what numpy.save writes."""
    stream = io.BytesIO()
    np.save(stream, value)
    return stream.getvalue()


_DECODERS = {JSON: json_to_numpy, CSV: csv_to_numpy, NPY: npy_to_numpy}
_ENCODERS = {JSON: array_to_json, CSV: array_to_csv, NPY: array_to_npy}
