"""S3's XML, read and written by the model that botocore ships."""

from collections.abc import Mapping
from datetime import datetime, timezone
from typing import Any
from xml.etree import ElementTree

from botocore.model import Shape

from maze_helpers.local_cloud.services.s3.body_errors import (
    MalformedXML,
)

DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>\n'
NAMESPACE = "http://s3.amazonaws.com/doc/2006-03-01/"

_ESCAPES = str.maketrans(
    {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;"}
    | {chr(code): f"&#{code};" for code in range(32) if code not in (9, 10)}
)


def read(body: bytes, shape: Shape) -> Any:
    """Return what an XML document says, as its shape has it.

    Raises: MalformedXML, if it is not XML, declares entities, or breaks the shape.
    """
    try:
        # As text, so that no other encoding hides anything from the next line.
        text = body.decode()
        # No request of S3 has a document type; entities that multiply live in one.
        if "<!DOCTYPE" in text:
            raise MalformedXML()
        return _read(ElementTree.fromstring(text), shape)
    except (ElementTree.ParseError, ValueError, LookupError) as error:
        raise MalformedXML() from error


def _read(element: ElementTree.Element, shape: Shape) -> Any:
    if shape.type_name == "structure":
        return _read_structure(element, shape)
    if shape.type_name == "list":
        return [_read(child, shape.member) for child in element]
    text = element.text or ""
    if shape.type_name in ("integer", "long"):
        return int(text)
    if shape.type_name == "boolean":
        return {"true": True, "false": False, "1": True, "0": False}[text.strip().lower()]
    if shape.type_name == "timestamp":
        moment = datetime.fromisoformat(text.strip().replace("Z", "+00:00"))
        return moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)
    return text


def _read_structure(element: ElementTree.Element, shape: Shape) -> dict[str, Any]:
    members = {
        _element_name(member, name): (name, member) for name, member in shape.members.items()
    }
    values: dict[str, Any] = {}
    for child in element:
        name, member = members.get(child.tag.rpartition("}")[2], (None, None))
        if name is None:
            raise ValueError(f"{child.tag} is not a member of {shape.name}")
        if _is_flattened(member):
            values.setdefault(name, []).append(_read(child, member.member))
        else:
            values[name] = _read(child, member)
    missing = set(shape.required_members) - set(values)
    if missing:
        raise ValueError(f"{shape.name} has no {missing}")
    return values


def write(root: str, shape: Shape, value: Any) -> bytes:
    """Return a document; a structure's members that belong in headers are left out."""
    parts = [DECLARATION, f'<{root} xmlns="{NAMESPACE}">']
    _write_content(parts, shape, value)
    parts.append(f"</{root}>")
    return "".join(parts).encode()


def write_location(constraint: str | None) -> bytes:
    """Return GetBucketLocation's document, whose root is the value itself."""
    root = f'<LocationConstraint xmlns="{NAMESPACE}"'
    content = f">{escape(constraint)}</LocationConstraint>" if constraint else "/>"
    return f"{DECLARATION}{root}{content}".encode()


def write_error(fields: Mapping[str, object]) -> bytes:
    """Return the document of an error."""
    members = "".join(f"<{name}>{escape(str(value))}</{name}>" for name, value in fields.items())
    return f"{DECLARATION}<Error>{members}</Error>".encode()


def escape(text: str) -> str:
    """Return text as XML holds it."""
    return text.translate(_ESCAPES)


def iso_time(moment: datetime) -> str:
    """Return a moment as S3 writes it, as in 2025-01-31T23:59:59.000Z."""
    return moment.strftime("%Y-%m-%dT%H:%M:%S.000Z")


def _write_content(parts: list[str], shape: Shape, value: Any) -> None:
    if shape.type_name == "structure":
        for name, member in shape.members.items():
            if value.get(name) is not None and "location" not in member.serialization:
                _write_member(parts, _element_name(member, name), member, value[name])
    elif shape.type_name == "list":
        for item in value:
            _write_member(parts, _element_name(shape.member, "member"), shape.member, item)
    else:
        parts.append(_scalar(value))


def _write_member(parts: list[str], name: str, shape: Shape, value: Any) -> None:
    if _is_flattened(shape):
        for item in value:
            _write_member(parts, name, shape.member, item)
        return
    parts.append(f"<{name}>")
    _write_content(parts, shape, value)
    parts.append(f"</{name}>")


def _scalar(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return iso_time(value)
    return escape(str(value))


def _element_name(shape: Shape, name: str) -> str:
    return shape.serialization.get("name", name)


def _is_flattened(shape: Shape) -> bool:
    return shape.type_name == "list" and bool(shape.serialization.get("flattened"))
