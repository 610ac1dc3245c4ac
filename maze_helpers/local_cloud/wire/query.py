"""The query protocol: a form as the request, XML as the response."""

import math
import re
import uuid
from collections.abc import Iterator
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl
from xml.sax.saxutils import escape

from botocore.model import ListShape, MapShape, OperationModel, ServiceModel, Shape, StructureShape
from starlette.requests import Request
from starlette.responses import Response

from maze_helpers.local_cloud.errors import AWSError, SerializationException, UnknownOperation
from maze_helpers.local_cloud.wire import models, timestamps
from maze_helpers.local_cloud.wire.faults import fault
from maze_helpers.local_cloud.wire.trees import (
    FLOATS,
    INTEGERS,
    JSONTree,
    check_members,
    check_scalar,
    number_in,
    wire_name,
)

# A form is a tree once its dotted names are split: {"Tags": {"member": {"1": {"Key": "a"}}}}.
Form = dict[str, Any]

# What the JSON services call otherwise; the rest is shared.
QUERY_CODES = {
    "UnknownOperationException": ("InvalidAction", 400),
    "ValidationException": ("ValidationError", 400),
    "SerializationException": ("MalformedInput", 400),
}
FORM = "application/x-www-form-urlencoded"
_NOT_IN_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_SCALARS = JSONTree()


class Query:
    """The codec of services such as STS and IAM."""

    name = "query"

    @staticmethod
    def claims(request: Request) -> bool:
        """Return whether a request is in this protocol, as far as one can see."""
        content_type = request.headers.get("content-type", "")
        # A payload may be a form too, but on a path of its own.
        return request.url.path == "/" and content_type.startswith(FORM)

    def operation(
        self, request: Request, body: bytes, service_models: list[ServiceModel]
    ) -> OperationModel:
        """Return the operation that a request's Action names.

        Raises: UnknownOperation.
        """
        action = dict(_pairs(request, body)).get("Action", "")
        for model in service_models:
            if action in model.operation_names:
                return model.operation_model(action)
        version = service_models[0].api_version
        raise UnknownOperation(f"Could not find operation {action} for version {version}")

    def parameters(self, request: Request, body: bytes, operation: OperationModel) -> Any:
        """Return the request's parameters.

        Raises: SerializationException.
        """
        shape = models.input_shape(operation)
        return _decode_structure(shape, _tree(_pairs(request, body)))

    def response(
        self, request: Request, operation: OperationModel, result: dict[str, Any]
    ) -> Response:
        """Return the response that carries a result."""
        request_id = str(uuid.uuid4())
        content = ""
        output = operation.output_shape
        if output is not None:
            content = "".join(_members_xml(output, result))
            wrapper = output.serialization.get("resultWrapper")
            content = f"<{wrapper}>{content}</{wrapper}>" if wrapper else content
        metadata = f"<ResponseMetadata><RequestId>{request_id}</RequestId></ResponseMetadata>"
        document = _root(f"{operation.name}Response", operation.service_model, content + metadata)
        return _answer(200, document, request_id)

    def error(self, request: Request, model: ServiceModel, error: AWSError) -> Response:
        """Return the response that carries an error."""
        request_id = str(uuid.uuid4())
        shown = fault(model, error)
        code, status = QUERY_CODES.get(shown.code, (shown.code, shown.status))
        further = "".join(
            f"<{name}>{_text(str(value))}</{name}>" for name, value in error.fields.items()
        )
        content = (
            f"<Error><Type>{shown.side}</Type><Code>{code}</Code>"
            f"<Message>{_text(shown.message)}</Message>{further}</Error>"
        )
        if self.name not in models.protocols(model):
            # A service that is not here may be EC2, whose errors others' parsers read as well.
            content = f"<Errors>{content}</Errors><RequestID>{request_id}</RequestID>"
            return _answer(status, f"<Response>{content}</Response>", request_id)
        content += f"<RequestId>{request_id}</RequestId>"
        return _answer(status, _root("ErrorResponse", model, content), request_id)


def _pairs(request: Request, body: bytes) -> list[tuple[str, str]]:
    text = body.decode("utf-8", "replace") or request.url.query
    return parse_qsl(text, keep_blank_values=True)


def _tree(pairs: list[tuple[str, str]]) -> Form:
    root: Form = {}
    for name, value in pairs:
        *path, last = name.split(".")
        node = root
        for part in path:
            child = node.get(part)
            if not isinstance(child, dict):
                child = node[part] = {}
            node = child
        node[last] = value
    return root


def _decode(shape: Shape, node: Any) -> Any:
    kind = shape.type_name
    if kind == "structure":
        return _decode_structure(shape, node)
    if kind == "list":
        return _decode_list(shape, node)
    if kind == "map":
        return _decode_map(shape, node)
    if isinstance(node, dict):
        raise SerializationException("Unexpected complex element termination")
    if kind == "boolean":
        return _decode_boolean(node)
    if kind in INTEGERS or kind in FLOATS:
        return _decode_number(kind, node)
    return _SCALARS.decode(shape, node)


def _decode_structure(shape: StructureShape, node: Any) -> dict[str, Any]:
    if not isinstance(node, dict):
        return {}
    members = {}
    for name, member in shape.members.items():
        found = node.get(_list_name(member, wire_name(member, name)))
        if found is not None:
            members[name] = _decode(member, found)
    return members


def _list_name(shape: Shape, name: str) -> str:
    """Return the name of a member in a form: a flattened list is called after its items."""
    if shape.type_name == "list" and shape.serialization.get("flattened"):
        return shape.member.serialization.get("name", name)
    return name


def _decode_list(shape: ListShape, node: Any) -> list[Any]:
    if node == "":
        return []
    if isinstance(node, dict) and not shape.serialization.get("flattened"):
        node = node.get(shape.member.serialization.get("name", "member"))
    return [_decode(shape.member, item) for item in _numbered(node)]


def _decode_map(shape: MapShape, node: Any) -> dict[str, Any]:
    if isinstance(node, dict) and not shape.serialization.get("flattened"):
        node = node.get("entry")
    key_name, value_name = wire_name(shape.key, "key"), wire_name(shape.value, "value")
    return {
        item[key_name]: _decode(shape.value, item.get(value_name, ""))
        for item in _numbered(node)
        if isinstance(item, dict) and isinstance(item.get(key_name), str)
    }


def _numbered(node: Any) -> Iterator[Any]:
    """Yield what stands under 1, 2, 3 … of a node, in that order."""
    if not isinstance(node, dict):
        raise SerializationException("Unexpected list element termination")
    numbers = [name for name in node if name.isascii() and name.isdigit()]
    # In order of magnitude, also of those that Python would take too long to read.
    values = {name: name.lstrip("0") for name in numbers}
    return (node[name] for name in sorted(numbers, key=lambda n: (len(values[n]), values[n])))


def _decode_boolean(text: str) -> bool:
    if text.lower() not in ("true", "false"):
        raise SerializationException(f"'{text}' can not be converted to a Boolean")
    return text.lower() == "true"


def _decode_number(kind: str, text: str) -> int | float:
    wanted = "an Integer" if kind in INTEGERS else "a Double"
    try:
        return number_in(kind, text)
    except ValueError as error:
        raise SerializationException(f"'{text}' can not be converted to {wanted}") from error


def _members_xml(shape: StructureShape, value: dict[str, Any]) -> Iterator[str]:
    check_members(shape, value)
    for name, member in shape.members.items():
        if value.get(name) is not None:
            yield _xml(member, value[name], wire_name(member, name))


def _xml(shape: Shape, value: Any, name: str) -> str:
    kind = shape.type_name
    if kind == "structure":
        return f"<{name}>{''.join(_members_xml(shape, value))}</{name}>"
    if kind == "list":
        return _list_xml(shape, value, name)
    if kind == "map":
        return _map_xml(shape, value, name)
    check_scalar(shape, value)
    return f"<{name}>{_scalar_text(shape, value)}</{name}>"


def _list_xml(shape: ListShape, value: list[Any], name: str) -> str:
    if shape.serialization.get("flattened"):
        item_name = shape.member.serialization.get("name", name)
        return "".join(_xml(shape.member, item, item_name) for item in value)
    item_name = shape.member.serialization.get("name", "member")
    return f"<{name}>{''.join(_xml(shape.member, item, item_name) for item in value)}</{name}>"


def _map_xml(shape: MapShape, value: dict[str, Any], name: str) -> str:
    flattened = shape.serialization.get("flattened")
    entry = name if flattened else "entry"
    entries = "".join(
        f"<{entry}>{_xml(shape.key, key, wire_name(shape.key, 'key'))}"
        f"{_xml(shape.value, item, wire_name(shape.value, 'value'))}</{entry}>"
        for key, item in value.items()
    )
    return entries if flattened else f"<{name}>{entries}</{name}>"


def _scalar_text(shape: Shape, value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        wire_format = shape.serialization.get("timestampFormat", timestamps.ISO8601)
        return str(timestamps.render(value, wire_format))
    if isinstance(value, float) and math.isfinite(value):
        return repr(value)
    return _text(str(_SCALARS.encode_scalar(shape, value)))


def _text(value: str) -> str:
    # A reader would take a bare carriage return for a line feed.
    return escape(_NOT_IN_XML.sub("\ufffd", value), {"\r": "&#13;"})


def _root(name: str, model: ServiceModel, content: str) -> str:
    namespace = model.metadata.get("xmlNamespace", "")
    return f'<{name} xmlns="{namespace}">{content}</{name}>'


def _answer(status: int, document: str, request_id: str) -> Response:
    response = Response(document.encode(), status, media_type="text/xml")
    response.headers["x-amzn-RequestId"] = request_id
    return response
