"""What the model servers answer with: a handler's result as bytes, and documents of their own.

Each behaviour is observed on TorchServe 0.12 and on the Multi Model Server 1.1.11.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any, NamedTuple

from maze_helpers.local_cloud.container.content_types import JSON
from maze_helpers.local_cloud.container.model_server.errors import (
    INTERNAL_ERROR,
    UNAVAILABLE,
    PredictionException,
)

# What the servers' JSON library escapes, lest a page that shows the text runs it.
_ESCAPED = {ord(character): f"\\u{ord(character):04x}" for character in "<>&='\u2028\u2029"}


class Answer(NamedTuple):
    """An HTTP answer."""

    status: int
    headers: dict[str, str]
    body: bytes

    def send(self, start_response: Callable[..., Any]) -> list[bytes]:
        """Answer a request, as a WSGI application does."""
        headers = {**self.headers, "Content-Length": str(len(self.body))}
        start_response(f"{self.status} {_phrase(self.status)}", list(headers.items()))
        return [self.body]


def document(status: int, content: Mapping[str, Any]) -> Answer:
    """Return an answer that is a JSON document, laid out as the servers do."""
    text = json.dumps(content, indent=2, ensure_ascii=False).translate(_ESCAPED)
    return Answer(status, {"content-type": JSON}, text.encode("utf-8", "replace") + b"\n")


def error_document(status: int, message: str, kind: str = "InternalServerException") -> Answer:
    """Return an answer that says what went wrong."""
    return document(status, {"code": status, "type": kind, "message": message})


def worker_died() -> Answer:
    """Return the answer to a request that took its worker's life, or too much of its time."""
    return error_document(INTERNAL_ERROR, "Worker died.")


def to_bytes(result: Any) -> bytes:
    """Return what a handler returned as a body. Example: a list becomes indented JSON.

    Raises: PredictionException, if it is nothing that can be one.
    """
    if isinstance(result, (bytes, bytearray)):
        return bytes(result)
    if isinstance(result, str):
        return result.encode("utf-8")
    if "torch" in sys.modules and isinstance(result, sys.modules["torch"].Tensor):
        return _saved(result)
    try:
        return json.dumps(result, indent=2).encode("utf-8")
    except TypeError as error:
        raise PredictionException("Unsupported model output data type.", UNAVAILABLE) from error


def _saved(tensor: Any) -> bytes:
    import io

    import torch

    stream = io.BytesIO()
    torch.save(tensor, stream)
    return stream.getvalue()


def _phrase(status: int) -> str:
    known = {int(member): member.phrase for member in HTTPStatus}
    return known.get(status, "Unknown")
