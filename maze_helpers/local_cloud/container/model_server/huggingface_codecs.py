"""What the Hugging Face image reads and writes: JSON, CSV, NPY, images and sound.

Source: sagemaker-huggingface-inference-toolkit 2.6.0, decoder_encoder and content_types.
"""

from __future__ import annotations

import base64
import csv
import datetime
import io
import json
import sys
from collections.abc import Callable
from typing import Any

from maze_helpers.local_cloud.container.content_types import CSV, JSON, NPY
from maze_helpers.local_cloud.container.model_server import codecs
from maze_helpers.local_cloud.container.model_server.errors import (
    BAD_REQUEST,
    PredictionException,
    UnsupportedFormatError,
)

X_IMAGE = "image/x-image"
VISION_TYPES = [
    *("image/jpeg", "image/png", "image/tiff", "image/bmp", "image/gif", "image/webp"),
    X_IMAGE,
]
AUDIO_TYPES = ["audio/x-flac", "audio/mpeg", "audio/wave", "audio/ogg", "audio/x-audio"]
# One of them must be in the first line of CSV.
_HEADERS = ("question", "context", "inputs")


def decode(content: Any, content_type: str | None = JSON) -> Any:
    """Return what a request's body holds, as pipelines take it: {"inputs": …} but for arrays.

    content: text for JSON and CSV, bytes for all else.
    Raises: UnsupportedFormatError, PredictionException; ValueError and others, if the body is
    not of that type.
    """
    # A KeyError of a decoder is told the same way there.
    try:
        return _DECODERS[content_type](content)
    except KeyError as error:
        raise UnsupportedFormatError(content_type) from error


def encode(content: Any, accept_type: str = JSON) -> Any:
    """Return what a pipeline returned as a response's body.

    Raises: UnsupportedFormatError; TypeError and others, if it cannot be written so.
    """
    try:
        return _ENCODERS[accept_type](content, accept_type)
    except KeyError as error:
        raise UnsupportedFormatError(accept_type) from error


def decode_json(content: str) -> Any:
    """Return a JSON document as it is."""
    return json.loads(content)


def decode_csv(content: str) -> dict[str, Any]:
    """Return the column "inputs", or else each row as a dictionary.

    Example: "inputs\\nfine\\nbad" gives {"inputs": ["fine", "bad"]}.
    Raises: PredictionException, if the first line names no column that a pipeline knows.
    """
    if not any(header in content.splitlines()[0].lower() for header in _HEADERS):
        raise PredictionException(
            "You need to provide the correct CSV with Header columns to use it with the inference "
            "toolkit default handler.",
            BAD_REQUEST,
        )
    rows = list(csv.DictReader(io.StringIO(content)))
    if "inputs" in rows[0]:
        return {"inputs": [row["inputs"] for row in rows]}
    return {"inputs": rows}


def decode_image(content: bytes) -> dict[str, Any]:
    """Return an image of any format that Pillow reads, as RGB."""
    from PIL import Image

    return {"inputs": Image.open(io.BytesIO(content)).convert("RGB")}


def decode_audio(content: bytes) -> dict[str, Any]:
    """Return a sound file as it is: the pipeline reads it."""
    return {"inputs": bytes(content)}


def encode_json(content: Any, accept_type: str | None = None) -> str:
    """Return a JSON document without spaces, its text as it is. Raises: ValueError for NaN."""
    return json.dumps(
        content, ensure_ascii=False, allow_nan=False, cls=_Encoder, separators=(",", ":")
    )


def encode_csv(content: Any, accept_type: str | None = None) -> str:
    """Return dictionaries as the rows of CSV, whose header is the first one's keys."""
    rows = content if isinstance(content, list) else list(content)
    stream = io.StringIO()
    writer = csv.DictWriter(stream, rows[0].keys())
    writer.writeheader()
    writer.writerows(rows)
    return stream.getvalue()


def encode_npy(content: Any, accept_type: str | None = None) -> bytes:
    """Return what numpy.save writes."""
    return codecs.array_to_npy(content)


def encode_image(image: Any, accept_type: str = "image/png") -> bytes:
    """Return one of Pillow's images as a file."""
    kind = "PNG" if accept_type == X_IMAGE else accept_type.split("/")[-1].upper()
    stream = io.BytesIO()
    image.save(stream, format=kind)
    return stream.getvalue()


class _Encoder(json.JSONEncoder):
    def default(self, o: Any) -> Any:
        # Of numpy and torch alike.
        if hasattr(o, "tolist"):
            return o.tolist()
        if isinstance(o, datetime.datetime):
            return str(o)
        if "PIL.Image" in sys.modules and isinstance(o, sys.modules["PIL.Image"].Image):
            return base64.b64encode(encode_image(o)).decode("utf-8")
        return super().default(o)


_DECODERS: dict[str | None, Callable[[Any], Any]] = {
    NPY: codecs.npy_to_numpy,
    CSV: decode_csv,
    JSON: decode_json,
    **{name: decode_image for name in VISION_TYPES},
    **{name: decode_audio for name in AUDIO_TYPES},
}
_ENCODERS: dict[str, Callable[[Any, str], Any]] = {
    NPY: encode_npy,
    CSV: encode_csv,
    JSON: encode_json,
    **{name: encode_image for name in VISION_TYPES},
}
