"""A request without its body, each of its parts read once."""

from collections.abc import Mapping
from functools import cached_property
from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.types import Scope


class RequestHead:
    """The head of a request.

    path and query_string: as they were sent, percent-encoded. headers: by lower-case names,
    several of a name joined by commas; each character is one byte (Latin-1).
    """

    def __init__(self, scope: Scope) -> None:
        self.method: str = scope["method"]
        self.path: str = scope["raw_path"].decode("latin-1").partition("?")[0]
        self.query_string: str = scope["query_string"].decode("latin-1")
        headers: dict[str, str] = {}
        for raw_name, raw_value in scope["headers"]:
            name, value = raw_name.decode("latin-1"), raw_value.decode("latin-1")
            headers[name] = f"{headers[name].strip()},{value.strip()}" if name in headers else value
        self.headers: Mapping[str, str] = headers

    @classmethod
    def of(cls, request: Request) -> "RequestHead":
        """Return the head of a request, read the first time that anybody asks."""
        if "request_head" not in request.scope:
            request.scope["request_head"] = cls(request.scope)
        return request.scope["request_head"]

    @cached_property
    def query(self) -> Mapping[str, str]:
        """The query's parameters, decoded; the last of each name."""
        return dict(parse_qsl(self.query_string, keep_blank_values=True))
