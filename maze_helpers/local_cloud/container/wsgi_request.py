"""What a model server reads of a WSGI request."""

from __future__ import annotations

from typing import Any


def read_body(environ: dict[str, Any]) -> bytes:
    """Return the request's body: all of it, or the connection would not close cleanly."""
    length = environ.get("CONTENT_LENGTH")
    stream = environ["wsgi.input"]
    return stream.read(int(length)) if length else stream.read()
