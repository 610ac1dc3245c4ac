"""REST with JSON: the method and path name the operation; headers and query carry members."""

import functools
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qsl, unquote

from botocore.model import OperationModel, ServiceModel, Shape, StructureShape
from starlette.requests import Request
from starlette.responses import Response

from maze_helpers.local_cloud.errors import AWSError, SerializationException, UnknownOperation
from maze_helpers.local_cloud.wire import models, timestamps
from maze_helpers.local_cloud.wire.faults import fault
from maze_helpers.local_cloud.wire.json_rpc import dump_json, load_json
from maze_helpers.local_cloud.wire.trees import (
    FLOATS,
    INTEGERS,
    JSONTree,
    check_members,
    check_scalar,
    number_in,
    wire_name,
)

_TREE = JSONTree()
_HEADER_TIMESTAMP = timestamps.RFC822
_QUERY_TIMESTAMP = timestamps.ISO8601


class RestJSON:
    """The codec of services such as the SageMaker runtime and API Gateway."""

    name = "rest-json"

    def operation(
        self, request: Request, body: bytes, service_models: list[ServiceModel]
    ) -> OperationModel:
        """Return the operation that a request's method and path name.

        Raises: UnknownOperation.
        """
        path = _raw_path(request)
        query = dict(parse_qsl(request.url.query, keep_blank_values=True))
        for model in service_models:
            for route in _routes(model.service_name):
                if route.matches(request.method, path, query):
                    return model.operation_model(route.operation_name)
        raise UnknownOperation(f"The local cloud does not implement {request.method} {path}.")

    def parameters(self, request: Request, body: bytes, operation: OperationModel) -> Any:
        """Return the request's parameters, from path, query, headers and body.

        Raises: SerializationException.
        """
        shape = models.input_shape(operation)
        located = {
            name: found
            for name, member in shape.members.items()
            if (found := _located(request, operation, name, member)) is not None
        }
        return _body_parameters(shape, body) | located

    def response(
        self, request: Request, operation: OperationModel, result: dict[str, Any]
    ) -> Response:
        """Return the response that carries a result."""
        status = operation.http.get("responseCode", 200)
        output = operation.output_shape
        if output is None:
            return Response(b"{}", status, media_type="application/json")
        check_members(output, result)
        present = {name: value for name, value in result.items() if value is not None}
        headers = {}
        for name in list(present):
            member = output.members[name]
            location = member.serialization.get("location")
            if location == "statusCode":
                status = present.pop(name)
            elif location is not None:
                headers |= dict(_headers(member, name, present.pop(name)))
        content, media_type = _payload(output, present)
        response = Response(content, status, media_type=None)
        for name, value in {"content-type": media_type, **headers}.items():
            response.headers[name] = value
        return response

    def error(self, request: Request, model: ServiceModel, error: AWSError) -> Response:
        """Return the response that carries an error."""
        shown = fault(model, error)
        response = Response(dump_json(shown.members), shown.status, media_type="application/json")
        response.headers["x-amzn-ErrorType"] = shown.shape_name
        return response


class Route:
    """One operation's method, path and the query literals that its URI prescribes."""

    def __init__(self, operation: OperationModel) -> None:
        self.operation_name = operation.name
        self.method = operation.http.get("method", "POST")
        uri, _, query = operation.http.get("requestUri", "/").partition("?")
        self.query = dict(parse_qsl(query, keep_blank_values=True))
        self.labels = re.findall(r"{([^}+]+)\+?}", uri)
        self.pattern = re.compile(_path_pattern(uri))

    def matches(self, method: str, path: str, query: dict[str, str]) -> bool:
        """Return whether a request means this operation."""
        literals = all(query.get(name) == value for name, value in self.query.items())
        return method == self.method and literals and bool(self.pattern.fullmatch(path))


@functools.cache
def _route(service_name: str, operation_name: str) -> Route:
    return Route(models.service_model(service_name).operation_model(operation_name))


@functools.cache
def _routes(service_name: str) -> list[Route]:
    """Return a service's routes, the most specific first."""
    names = models.service_model(service_name).operation_names
    routes = [_route(service_name, name) for name in names]
    return sorted(routes, key=lambda route: (len(route.labels), -len(route.query)))


def _path_pattern(uri: str) -> str:
    """Return the regex for a URI template.

    Example: '/endpoints/{EndpointName}/invocations' gives '/endpoints/([^/]+)/invocations/?'.
    """
    parts = re.split(r"({[^}]+})", uri.rstrip("/"))
    pattern = "".join(
        ("(.+)" if part.endswith("+}") else "([^/]+)") if part.startswith("{") else re.escape(part)
        for part in parts
    )
    return pattern + "/?"


def _raw_path(request: Request) -> str:
    raw = request.scope.get("raw_path") or request.scope["path"].encode()
    return raw.decode("latin-1").partition("?")[0]


def _located(request: Request, operation: OperationModel, name: str, member: Shape) -> Any:
    """Return a member that is not in the body, or None."""
    location = member.serialization.get("location")
    wire = wire_name(member, name)
    if location == "uri":
        route = _route(operation.service_model.service_name, operation.name)
        found = route.pattern.fullmatch(_raw_path(request))
        text = found.group(route.labels.index(wire) + 1) if found else ""
        return _from_text(member, unquote(text), _QUERY_TIMESTAMP)
    if location == "querystring":
        return _from_query(request, operation, member, wire)
    if location == "header":
        text = request.headers.get(wire)
        return None if text is None else _from_text(member, text, _HEADER_TIMESTAMP)
    if location == "headers":
        prefix = wire.lower()
        named = request.headers.items()
        return {key[len(prefix) :]: text for key, text in named if key.startswith(prefix)}
    return None


def _from_query(request: Request, operation: OperationModel, member: Shape, wire: str) -> Any:
    if member.type_name == "map":
        named = {
            wire_name(other, name) for name, other in models.input_shape(operation).members.items()
        }
        rest = {key: text for key, text in request.query_params.items() if key not in named}
        return rest or None
    found = request.query_params.getlist(wire)
    if not found:
        return None
    if member.type_name == "list":
        return [_from_text(member.member, text, _QUERY_TIMESTAMP) for text in found]
    return _from_text(member, found[0], _QUERY_TIMESTAMP)


def _from_text(shape: Shape, text: str, default_format: str) -> Any:
    kind = shape.type_name
    if kind == "list":
        return [_from_text(shape.member, part.strip(), default_format) for part in text.split(",")]
    if kind == "boolean" and text in ("true", "false"):
        return text == "true"
    try:
        if kind in INTEGERS or kind in FLOATS:
            return number_in(kind, text)
    except ValueError as error:
        raise SerializationException(f"'{text}' can not be converted to a {kind}") from error
    return _TREE.decode(shape, text)


def _body_parameters(shape: StructureShape, body: bytes) -> dict[str, Any]:
    payload = shape.serialization.get("payload")
    if payload is None:
        in_body = {
            name: member
            for name, member in shape.members.items()
            if "location" not in member.serialization
        }
        return _TREE.decode_members(in_body, load_json(body)) if in_body and body else {}
    member = shape.members[payload]
    if member.type_name == "blob":
        return {payload: body}
    if member.type_name == "string":
        return {payload: body.decode("utf-8", "replace")} if body else {}
    return {payload: _TREE.decode(member, load_json(body))} if body else {}


def _headers(member: Shape, name: str, value: Any) -> Iterator[tuple[str, str]]:
    wire = wire_name(member, name)
    if member.type_name == "map":
        yield from ((wire + key, item) for key, item in value.items())
    elif member.type_name == "list":
        yield wire, ",".join(_header_text(member.member, item) for item in value)
    else:
        yield wire, _header_text(member, value)


def _header_text(shape: Shape, value: Any) -> str:
    check_scalar(shape, value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if shape.type_name == "timestamp":
        wire_format = shape.serialization.get("timestampFormat", _HEADER_TIMESTAMP)
        return str(timestamps.render(value, wire_format))
    encoded = _TREE.encode_scalar(shape, value)
    return encoded if isinstance(encoded, str) else str(encoded)


def _payload(shape: StructureShape, body_members: dict[str, Any]) -> tuple[bytes, str]:
    """Return a response's content and its media type."""
    payload = shape.serialization.get("payload")
    if payload is None:
        return dump_json(_TREE.encode(shape, body_members)), "application/json"
    member, value = shape.members[payload], body_members.get(payload)
    if member.type_name == "blob":
        return value or b"", "application/octet-stream"
    if member.type_name == "string":
        return (value or "").encode(), "text/plain"
    content = {} if value is None else _TREE.encode(member, value)
    return dump_json(content), "application/json"
