"""Arrays as JSON, CSV and NPY, both ways, as sagemaker-inference has them.

They differ from the scikit-learn image's (`container.codecs`) in CSV and in what is an error. Each
behaviour is observed on sagemaker-inference 1.10.1. numpy is imported when one is needed.
"""

from __future__ import annotations

import io
import json
from typing import Any

from maze_helpers.local_cloud.container.array_json import array_to_json
from maze_helpers.local_cloud.container.content_types import CSV, JSON, NPY
from maze_helpers.local_cloud.container.model_server.errors import UnsupportedFormatError

NPZ = "application/x-npz"


def decode(content: Any, content_type: str | None) -> Any:
    """Return the array that a request's body holds.

    content: text for JSON and CSV, bytes for all else.
    Raises: UnsupportedFormatError; ValueError and others, if the body is not of that type.
    """
    # A KeyError of a decoder is told the same way there.
    try:
        return _DECODERS[content_type](content)
    except KeyError as error:
        raise UnsupportedFormatError(content_type) from error


def encode(value: Any, content_type: str) -> str | bytes:
    """Return an array, or what can be made one, as a response's body.

    Raises: UnsupportedFormatError; TypeError and others, if the value cannot be written so.
    """
    try:
        return _ENCODERS[content_type](value)
    except KeyError as error:
        raise UnsupportedFormatError(content_type) from error


def accepted_types(accept: str) -> list[str]:
    """Return the content types that an Accept header names, in its order."""
    return accept.replace(" ", "").split(",")


def json_to_numpy(text: str | bytes, dtype: Any = None) -> Any:
    """Return a JSON document as an array."""
    import numpy as np

    return np.array(json.loads(text), dtype=dtype)


def csv_to_numpy(text: str, dtype: Any = None) -> Any:
    """Return CSV as an array: what is no number is not a number in it."""
    import numpy as np

    return np.genfromtxt(io.StringIO(text), dtype=dtype, delimiter=",")


def npy_to_numpy(content: bytes) -> Any:
    """Return what numpy.save wrote.

    Differs from AWS: an array of objects may hold plain values only; see `container.codecs`.
    """
    from maze_helpers.local_cloud.container import codecs

    return codecs.npy_to_numpy(bytes(content))


def npz_to_sparse(content: bytes) -> Any:
    """Return what scipy.sparse.save_npz wrote."""
    import scipy.sparse

    return scipy.sparse.load_npz(io.BytesIO(content))


def array_to_csv(value: Any) -> str:
    """Return CSV: a line for each row, or for each element where there is one axis."""
    import numpy as np

    stream = io.StringIO()
    np.savetxt(stream, value, delimiter=",", fmt="%s")
    return stream.getvalue()


def array_to_npy(value: Any) -> bytes:
    """Return what numpy.save writes."""
    from maze_helpers.local_cloud.container import codecs

    return codecs.array_to_npy(value)


_DECODERS = {
    NPY: npy_to_numpy,
    CSV: csv_to_numpy,
    JSON: json_to_numpy,
    NPZ: npz_to_sparse,
}
_ENCODERS = {NPY: array_to_npy, CSV: array_to_csv, JSON: array_to_json}
SUPPORTED_CONTENT_TYPES = frozenset(_ENCODERS)
