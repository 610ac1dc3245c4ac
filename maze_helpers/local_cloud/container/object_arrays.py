"""Arrays of Python objects in NPY files, which numpy writes as pickles.

A pickle can run any code. This reads those that hold plain values, and refuses all else.
"""

from __future__ import annotations

import datetime
import decimal
import io
import pickle
from typing import Any

import numpy as np
from numpy.lib import format as npy_format

# What pickles of arrays call, wherever the numpy that wrote them keeps it.
_ARRAY_MODULES = ("numpy.core.multiarray", "numpy._core.multiarray")
_ARRAY_MAKERS = {
    "_reconstruct": np.empty(0).__reduce__()[0],
    "scalar": np.float64(0).__reduce__()[0],
}
# The values that tables hold, beside Python's own strings and numbers.
_VALUES = {
    ("numpy", "ndarray"): np.ndarray,
    ("numpy", "dtype"): np.dtype,
    ("datetime", "date"): datetime.date,
    ("datetime", "datetime"): datetime.datetime,
    ("datetime", "time"): datetime.time,
    ("datetime", "timedelta"): datetime.timedelta,
    ("decimal", "Decimal"): decimal.Decimal,
}


def holds_objects(content: bytes) -> bool:
    """Return whether an NPY file's elements are Python objects."""
    header = content[: content.find(b"\n")]
    # "O" is their type's letter. Reading the header, as numpy does, would take longer than
    # reading a small array.
    if not content.startswith(npy_format.MAGIC_PREFIX) or b"O" not in header:
        return False
    return _read_dtype(io.BytesIO(content)).hasobject


def load_object_array(content: bytes) -> np.ndarray:
    """Return the array. Raises: ValueError, if it holds anything but plain values."""
    stream = io.BytesIO(content)
    _read_dtype(stream)
    array = _PlainUnpickler(stream).load()
    if not isinstance(array, np.ndarray):
        raise ValueError("The NPY file holds no array, though its header says so.")
    return array


def _read_dtype(stream: io.BytesIO) -> np.dtype:
    if npy_format.read_magic(stream) == (1, 0):
        return npy_format.read_array_header_1_0(stream)[2]
    return npy_format.read_array_header_2_0(stream)[2]


class _PlainUnpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        if module in _ARRAY_MODULES and name in _ARRAY_MAKERS:
            return _ARRAY_MAKERS[name]
        if (module, name) not in _VALUES:
            raise ValueError(
                f"The array of objects holds {module}.{name}: only strings, numbers and dates "
                "are read here. Send another content type, such as application/json."
            )
        return _VALUES[module, name]
