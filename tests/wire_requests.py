"""Requests without a socket, and what botocore reads from the responses to them."""

from urllib.parse import urlencode, urlsplit

import botocore.awsrequest
import botocore.parsers
from starlette.requests import Request
from starlette.responses import Response


def http_request(serialized) -> tuple[Request, bytes]:
    """Return the request that botocore would send, and its body."""
    body = serialized["body"]
    headers = dict(serialized["headers"])
    if isinstance(body, dict):
        body = urlencode(body).encode()
    if isinstance(body, str):
        body = body.encode()
    path, _, query = serialized["url_path"].partition("?")
    more = serialized["query_string"]
    query = "&".join(part for part in (query, urlencode(more, doseq=True)) if part)
    return request(serialized["method"], path, headers, query), body


def request(method="POST", path="/", headers=None, query="") -> Request:
    """Return a bare request."""
    raw = [(k.lower().encode(), str(v).encode("latin-1")) for k, v in (headers or {}).items()]
    return Request(
        {
            "type": "http",
            "method": method,
            "path": urlsplit(path).path,
            "raw_path": path.encode(),
            "query_string": query.encode(),
            "headers": raw,
        }
    )


def target(name: str) -> Request:
    """Return a JSON request for an operation such as 'SageMaker.ListTags'."""
    return request(headers={"X-Amz-Target": name, "Content-Type": "application/x-amz-json-1.1"})


def parsed(protocol: str, response: Response, shape):
    """Return what botocore reads from a response."""
    parser = botocore.parsers.create_parser(protocol)
    http = {
        "status_code": response.status_code,
        "headers": botocore.awsrequest.HeadersDict(response.headers),
        "body": response.body,
    }
    found = parser.parse(http, shape)
    found.pop("ResponseMetadata", None)
    return found
