"""HTTP responses of the model server, and what a user's function may return for one.

Each behaviour is observed on sagemaker-containers 2.8.6 with Flask 1.1.1.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from http import HTTPStatus
from typing import Any
from wsgiref.headers import Headers

from maze_helpers.local_cloud.container.content_types import JSON

HTML = "text/html"
_HTML_PAGE = (
    '<!DOCTYPE HTML PUBLIC "-//W3C//DTD HTML 3.2 Final//EN">\n'
    "<title>{code} {name}</title>\n<h1>{name}</h1>\n<p>{text}</p>\n"
)
_ERROR_TEXTS = {
    404: "The requested URL was not found on the server. If you entered the URL manually please "
    "check your spelling and try again.",
    405: "The method is not allowed for the requested URL.",
    500: "The server encountered an internal error and was unable to complete your request. "
    "Either the server is overloaded or there is an error in the application.",
}


class Response:
    """A response that a user's function can make: `worker.Response` in sagemaker-containers.

    response: text, bytes, or an iterable of these. accept and direct_passthrough are there for
    old scripts, and change nothing.
    """

    def __init__(
        self,
        response: Any = None,
        accept: str | None = None,
        status: int | str = 200,
        headers: Mapping[str, str] | Iterable[tuple[str, str]] | None = None,
        mimetype: str | None = None,
        direct_passthrough: bool = False,
    ) -> None:
        given = headers.items() if hasattr(headers, "items") else headers or ()
        self.headers = Headers([(str(name), str(value)) for name, value in given])
        if mimetype or "Content-Type" not in self.headers:
            self.headers["Content-Type"] = _with_charset(mimetype or JSON)
        self.status = _status_line(status)
        self.data = _to_bytes(response)

    @property
    def status_code(self) -> int:
        """The status as a number."""
        return int(self.status.split(" ", 1)[0])

    @property
    def mimetype(self) -> str:
        """The content type, without its parameters."""
        return (self.headers["Content-Type"] or "").partition(";")[0].strip()

    def get_data(self, as_text: bool = False) -> str | bytes:
        """Return the body."""
        return self.data.decode() if as_text else self.data

    def __call__(
        self, environ: Mapping[str, Any], start_response: Callable[..., Any]
    ) -> list[bytes]:
        """Answer a request, as a WSGI application does."""
        self.headers["Content-Length"] = str(len(self.data))
        start_response(self.status, self.headers.items())
        return [self.data]


def to_response(result: Any) -> Callable[..., Iterable[bytes]]:
    """Return what a user's function returned as a WSGI application that answers with it.

    Example: ('{"a": 1}', 'application/json') gives that body, with that content type.
    Raises: TypeError, if it is nothing that can be a response.
    """
    if isinstance(result, tuple):
        body, content_type = result[0], result[1]
        return Response(body, mimetype=content_type)
    if isinstance(result, (str, bytes, bytearray)):
        return Response(result, mimetype=HTML)
    if isinstance(result, dict):
        text = json.dumps(result, separators=(",", ":"), sort_keys=True)
        return Response(text + "\n", mimetype=JSON)
    if callable(result):
        return result
    raise TypeError(
        f"A {type(result).__name__} cannot be the response: return text, bytes, a dictionary, "
        "(body, content type) or a Response."
    )


def error_page(code: int) -> Response:
    """Return the page that the image answers an error with: it never says what went wrong."""
    text = _HTML_PAGE.format(code=code, name=HTTPStatus(code).phrase, text=_ERROR_TEXTS[code])
    return Response(text, status=code, headers={"Content-Type": HTML})


def _with_charset(mimetype: str) -> str:
    has_charset = mimetype.startswith("text/") or mimetype.endswith("+xml")
    return f"{mimetype}; charset=utf-8" if has_charset else mimetype


def _status_line(status: int | str) -> str:
    if isinstance(status, str):
        return status
    if status == HTTPStatus.OK:
        return "200 OK"
    known = {int(member): member.phrase for member in HTTPStatus}
    return f"{int(status)} {known.get(int(status), 'Unknown')}"


def _to_bytes(body: Any) -> bytes:
    if body is None:
        return b""
    if isinstance(body, str):
        return body.encode()
    if isinstance(body, (bytes, bytearray)):
        return bytes(body)
    return b"".join(part.encode() if isinstance(part, str) else part for part in body)
