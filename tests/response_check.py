"""What is wrong with a response, by its operation's model: surplus, missing and unfit members.

botocore passes over what a model does not have, so that a response is read here as it was sent.
"""

import json
from collections.abc import Iterator
from datetime import datetime
from typing import Any
from xml.etree import ElementTree

import cbor2
from botocore.model import OperationModel, Shape
from service_model_strategies import CONTAINERS, FLOATS, INTEGER_BITS, complaints

Types = dict[str, Any]
JSON_TYPES: Types = (
    dict.fromkeys(INTEGER_BITS, int)
    | dict.fromkeys(FLOATS, (int, float))
    | {"string": str, "blob": (str, bytes), "boolean": bool, "timestamp": (int, float, datetime)}
)
# Beside a query's result, and what S3 says of every document.
BESIDE = {"ResponseMetadata"}


def misfits(operation: OperationModel, response: dict[str, Any]) -> list[str]:
    """Return what a successful response has that its model does not, and the other way round.

    response: as botocore hands it to its parsers.
    """
    shape, body = operation.output_shape, response["body"]
    protocol = _protocol(operation, response)
    if shape is None or operation.has_streaming_output:
        return []
    if protocol == "smithy-rpc-v2-cbor":
        return list(_of_tree(shape, cbor2.loads(body), ""))
    if protocol in ("json", "rest-json"):
        return list(_of_tree(shape, json.loads(body or b"{}"), ""))
    root = ElementTree.fromstring(body) if body else None
    if root is None:
        return []
    wrapper = shape.serialization.get("resultWrapper")
    if wrapper:
        (root,) = (child for child in root if _tag(child) == wrapper)
    return list(_of_xml(_body_shape(shape), root, ""))


def _protocol(operation: OperationModel, response: dict[str, Any]) -> str:
    media_type = response["headers"].get("content-type", "")
    if "cbor" in media_type:
        return "smithy-rpc-v2-cbor"
    model = operation.service_model
    return "json" if "amz-json" in media_type else model.metadata["protocol"]


def _body_shape(shape: Shape) -> Shape:
    payload = shape.serialization.get("payload")
    return shape.members[payload] if payload else shape


def _in_body(shape: Shape) -> dict[str, Shape]:
    return {
        member.serialization.get("name", name): member
        for name, member in shape.members.items()
        if "location" not in member.serialization
    }


def _required(shape: Shape) -> set[str]:
    members = shape.members
    return {
        members[name].serialization.get("name", name)
        for name in shape.required_members
        if "location" not in members[name].serialization
    }


def _of_tree(shape: Shape, value: Any, path: str) -> Iterator[str]:
    kind = shape.type_name
    if kind == "structure" and not shape.is_document_type:
        if not isinstance(value, dict):
            yield f"{path} is no structure"
            return
        members = _in_body(shape)
        yield from (f"{path}.{name} is surplus" for name in value.keys() - members.keys())
        yield from (f"{path}.{name} is missing" for name in _required(shape) - value.keys())
        for name in value.keys() & members.keys():
            yield from _of_tree(members[name], value[name], f"{path}.{name}")
    elif kind == "list":
        for number, item in enumerate(value, 1):
            yield from _of_tree(shape.member, item, f"{path}.{number}")
    elif kind == "map":
        for key, item in value.items():
            yield from _of_tree(shape.value, item, f"{path}.{key}")
    elif kind not in CONTAINERS:
        yield from _of_scalar(shape, value, path)


def _of_scalar(shape: Shape, value: Any, path: str) -> Iterator[str]:
    is_boolean = shape.type_name == "boolean"
    if not isinstance(value, JSON_TYPES[shape.type_name]) or isinstance(value, bool) != is_boolean:
        yield f"{path} is {value!r}, no {shape.type_name}"
    elif shape.type_name != "timestamp":
        yield from (
            f"{path} is {value!r}: {kind} {limit}" for kind, limit in complaints(shape, value)
        )


def _tag(element: ElementTree.Element) -> str:
    return element.tag.rpartition("}")[2]


def _of_xml(shape: Shape, element: ElementTree.Element, path: str) -> Iterator[str]:
    kind = shape.type_name
    if kind == "structure":
        yield from _of_xml_structure(shape, element, path)
    elif kind == "list":
        for item in element:
            yield from _of_xml(shape.member, item, f"{path}.{_tag(item)}")
    elif kind == "string":
        found = complaints(shape, element.text or "")
        yield from (f"{path} is {element.text!r}: {kind} {limit}" for kind, limit in found)
    elif kind in INTEGER_BITS and not (element.text or "").lstrip("-").isdigit():
        yield f"{path} is {element.text!r}, no {kind}"
    elif kind == "boolean" and element.text not in ("true", "false"):
        yield f"{path} is {element.text!r}, no {kind}"


def _of_xml_structure(shape: Shape, element: ElementTree.Element, path: str) -> Iterator[str]:
    members = {}
    for name, member in _in_body(shape).items():
        flat = member.type_name == "list" and member.serialization.get("flattened")
        inner = member.member if flat else member
        members[inner.serialization.get("name", name) if flat else name] = inner
    present = {_tag(child) for child in element} - BESIDE
    yield from (f"{path}.{name} is surplus" for name in present - members.keys())
    yield from (f"{path}.{name} is missing" for name in _required(shape) - present)
    for child in element:
        if _tag(child) in members:
            yield from _of_xml(members[_tag(child)], child, f"{path}.{_tag(child)}")
