"""An operation's parameters, read from path, query, headers and XML body."""

from collections.abc import Mapping
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime
from functools import lru_cache
from typing import Any, NamedTuple

from botocore.model import OperationModel, Shape

from maze_helpers.local_cloud.services.s3 import xml_codec
from maze_helpers.local_cloud.services.s3.body_errors import (
    MalformedXML,
)
from maze_helpers.local_cloud.services.s3.errors import (
    InvalidArgument,
)


class Places(NamedTuple):
    """Where a shape's members are: each by its name on the wire.

    prefixes: of headers that together are a map, such as x-amz-meta-.
    """

    query: Mapping[str, tuple[str, Shape]]
    headers: Mapping[str, tuple[str, Shape]]
    prefixes: Mapping[str, str]


@lru_cache(maxsize=512)
def places(shape: Shape | None) -> Places:
    """Return where the members of an input or output shape are."""
    query, headers, prefixes = {}, {}, {}
    for name, member in shape.members.items() if shape else ():
        wire_name = member.serialization.get("name", name)
        location = member.serialization.get("location")
        if location == "querystring":
            query[wire_name] = (name, member)
        elif location == "header":
            headers[wire_name.lower()] = (name, member)
        elif location == "headers":
            prefixes[wire_name.lower()] = name
    return Places(query, headers, prefixes)


def read_head(
    model: OperationModel, query: Mapping[str, str], headers: Mapping[str, str]
) -> dict[str, Any]:
    """Return the parameters in the query and the headers (by lower-case names).

    Raises: InvalidArgument, if one is not what the model says.
    """
    where = places(model.input_shape)
    parameters: dict[str, Any] = {}
    for wire_name, text in query.items():
        if wire_name in where.query:
            name, shape = where.query[wire_name]
            parameters[name] = _scalar(wire_name, text, shape)
    for wire_name, text in headers.items():
        if wire_name in where.headers:
            name, shape = where.headers[wire_name]
            # A presigned URL may carry a header's value in its query; here it is in the header.
            parameters[name] = _scalar(wire_name, text, shape)
            continue
        for prefix, name in where.prefixes.items():
            if wire_name.startswith(prefix):
                parameters.setdefault(name, {})[wire_name[len(prefix) :]] = text
    return parameters


def read_body(model: OperationModel, body: bytes) -> dict[str, Any]:
    """Return the parameter that is the XML body, or none. Raises: MalformedXML."""
    shape = model.input_shape
    payload = shape.serialization.get("payload") if shape else None
    if payload is None:
        return {}
    if not body and payload in shape.required_members:
        raise MalformedXML()
    return {payload: xml_codec.read(body, shape.members[payload])} if body else {}


def _scalar(wire_name: str, text: str, shape: Shape) -> Any:
    try:
        if shape.type_name in ("integer", "long"):
            return int(text)
        if shape.type_name == "boolean":
            return {"true": True, "false": False}[text.lower()]
        if shape.type_name == "list":
            return [item.strip() for item in text.split(",")]
        if shape.type_name == "timestamp" and wire_name != "expires":
            return _moment(text)
    except (ValueError, KeyError):
        raise InvalidArgument(
            f"Provided {wire_name} is not a valid {shape.type_name}",
            ArgumentName=wire_name,
            ArgumentValue=text,
        ) from None
    return text


def _moment(text: str) -> datetime:
    try:
        return parsedate_to_datetime(text).astimezone(timezone.utc)
    except ValueError:
        moment = datetime.fromisoformat(text.replace("Z", "+00:00"))
        return moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)
