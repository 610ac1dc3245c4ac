"""Modelled values to and from trees of dicts and lists, as JSON and CBOR carry them."""

import base64
import binascii
import math
import re
import sys
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from botocore.model import ListShape, MapShape, Shape, StructureShape

from maze_helpers.local_cloud.errors import SerializationException
from maze_helpers.local_cloud.wire import timestamps

# How many bits Java gives them.
_BITS = {"byte": 8, "short": 16, "integer": 32, "long": 64}
INTEGERS = frozenset({*_BITS, "bigInteger"})
FLOATS = frozenset({"float", "double", "bigDecimal"})
_LONE_SURROGATE = re.compile("[\ud800-\udfff]")
# Python's own numbers may hold underscores, spaces and the digits of any script.
_NUMBER = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?", re.ASCII)
_FLOAT_NAMES = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}


class UnmodelledResult(TypeError):
    """A provider's result does not fit the operation's model: a fault of ours."""


class JSONTree:
    """The tree that JSON carries: blobs are base64, timestamps numbers or text.

    What it says of a value of the wrong type is as observed, on several of AWS's JSON services.
    """

    default_timestamp_format = timestamps.UNIX

    # Wire to value. Null members count as absent, unknown members are ignored: so does AWS.

    def decode(self, shape: Shape, value: Any) -> Any:
        """Return the value of a shape, from what the wire held.

        Raises: SerializationException, if it is of another type.
        """
        kind = shape.type_name
        if kind == "structure":
            return self._decode_structure(shape, value)
        if kind == "list":
            return self._decode_list(shape, value)
        if kind == "map":
            return self._decode_map(shape, value)
        return self._decode_scalar(shape, value)

    def _decode_structure(self, shape: StructureShape, value: Any) -> Any:
        if shape.is_document_type:
            return value
        return self.decode_members(shape.members, value)

    def decode_members(self, members: Mapping[str, Shape], value: Any) -> dict[str, Any]:
        """Return the values of a structure's members, or of some of them, by member name."""
        if not isinstance(value, dict):
            raise SerializationException(_unexpected(value, "null"))
        found = {name: value.get(wire_name(member, name)) for name, member in members.items()}
        return {
            name: self.decode(members[name], item)
            for name, item in found.items()
            if item is not None
        }

    def _decode_list(self, shape: ListShape, value: Any) -> list[Any]:
        if not isinstance(value, list):
            raise SerializationException(_unexpected(value, "list or null"))
        return [self.decode(shape.member, item) for item in value if item is not None]

    def _decode_map(self, shape: MapShape, value: Any) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise SerializationException(_unexpected(value, "map or null"))
        return {
            self.decode(shape.key, key): self.decode(shape.value, item)
            for key, item in value.items()
            if item is not None
        }

    def _decode_scalar(self, shape: Shape, value: Any) -> Any:
        if isinstance(value, (list, dict)):
            raise SerializationException(_unexpected(value, "scalar"))
        kind = shape.type_name
        if kind == "timestamp":
            return timestamps.parse(value)
        if kind == "blob":
            return self.decode_blob(value)
        if kind == "boolean":
            return _decode_boolean(value)
        if kind in INTEGERS:
            fits = _is_finite(value) and fits_integer(kind, int(value))
            return int(_expect(value, fits, "a Long" if kind == "long" else "an Integer"))
        if kind in FLOATS:
            if isinstance(value, str) and value in _FLOAT_NAMES:
                return _FLOAT_NAMES[value]
            return float(_expect(value, _is_number(value) and _fits_float(value), "a Double"))
        text = _expect(value, isinstance(value, str), "a String")
        return text if text.isascii() else _LONE_SURROGATE.sub("?", text)

    def decode_blob(self, value: Any) -> bytes:
        """Return the bytes of a blob."""
        _expect(value, isinstance(value, str), "a Blob")
        try:
            return base64.b64decode(value, validate=True)
        except (binascii.Error, ValueError) as error:
            raise SerializationException("The value is not valid base64") from error

    # Value to wire. None counts as absent; anything unmodelled is a fault of ours and raises.

    def encode(self, shape: Shape, value: Any) -> Any:
        """Return what the wire holds for a value of a shape.

        Raises: UnmodelledResult.
        """
        kind = shape.type_name
        if kind == "structure":
            return self._encode_structure(shape, value)
        if kind == "list":
            return [self.encode(shape.member, item) for item in value]
        if kind == "map":
            return {key: self.encode(shape.value, item) for key, item in value.items()}
        check_scalar(shape, value)
        return self.encode_scalar(shape, value)

    def _encode_structure(self, shape: StructureShape, value: Mapping[str, Any]) -> Any:
        if shape.is_document_type:
            return value
        check_members(shape, value)
        return {
            wire_name(shape.members[name], name): self.encode(shape.members[name], item)
            for name, item in value.items()
            if item is not None
        }

    def encode_scalar(self, shape: Shape, value: Any) -> Any:
        """Return what the wire holds for a scalar that has the right type."""
        if isinstance(value, datetime):
            wire_format = shape.serialization.get("timestampFormat", self.default_timestamp_format)
            return timestamps.render(value, wire_format)
        if isinstance(value, (bytes, bytearray)):
            return base64.b64encode(value).decode()
        if isinstance(value, float) and not math.isfinite(value):
            return float_name(value)
        return value


def fits_integer(kind: str, value: int) -> bool:
    """Return whether a kind of integer can hold a value. What AWS says of others is a guess."""
    bound = 1 << (_BITS.get(kind, 1024) - 1)
    return -bound <= value < bound


def number_in(kind: str, text: str) -> int | float:
    """Return the number that a text is, in the digits that Java reads.

    Raises: ValueError, also for one that its kind cannot hold.
    """
    if not _NUMBER.fullmatch(text) and text not in _FLOAT_NAMES:
        raise ValueError(text)
    if kind in FLOATS:
        return float(text)
    if not fits_integer(kind, int(text)):
        raise ValueError(text)
    return int(text)


def wire_name(shape: Shape, member_name: str) -> str:
    """Return the name that a structure's member has on the wire."""
    return shape.serialization.get("name", member_name)


def float_name(value: float) -> str:
    """Return the text for a float that has no digits: NaN, Infinity, -Infinity."""
    return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"


def check_members(shape: StructureShape, value: Mapping[str, Any]) -> None:
    """Check that a result names only members of its shape.

    Raises: UnmodelledResult.
    """
    unknown = value.keys() - shape.members.keys()
    if unknown:
        raise UnmodelledResult(f"{shape.name} has no members {sorted(unknown)}")


def check_scalar(shape: Shape, value: Any) -> None:
    """Check that a scalar of a result has the type of its shape.

    Raises: UnmodelledResult.
    """
    kind = shape.type_name
    if kind == "timestamp":
        fits = isinstance(value, datetime) and value.tzinfo is not None
    elif kind == "boolean":
        fits = isinstance(value, bool)
    elif kind in INTEGERS:
        fits = isinstance(value, int) and not isinstance(value, bool)
    elif kind in FLOATS:
        fits = isinstance(value, (int, float)) and not isinstance(value, bool)
    elif kind == "blob":
        fits = isinstance(value, (bytes, bytearray))
    else:
        fits = isinstance(value, str)
    if not fits:
        raise UnmodelledResult(f"{shape.name} is a {kind}, not {value!r}")


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _is_finite(value: Any) -> bool:
    # Asked of an integer that no float can hold, math.isfinite would raise.
    return _is_number(value) and (isinstance(value, int) or math.isfinite(value))


def _fits_float(value: int | float) -> bool:
    return isinstance(value, float) or abs(value) <= sys.float_info.max


def _decode_boolean(value: Any) -> bool:
    if isinstance(value, str) and value.lower() in ("true", "false"):
        return value.lower() == "true"
    return _expect(value, isinstance(value, bool), "a Boolean")


def _expect(value: Any, fits: bool, wanted: str) -> Any:
    if not fits:
        raise SerializationException(f"{_kind_of(value)} can not be converted to {wanted}")
    return value


def _unexpected(value: Any, wanted: str) -> str:
    if isinstance(value, list):
        return "Start of list found where not expected"
    if isinstance(value, dict):
        return "Start of structure or map found where not expected."
    return f"Expected {wanted}"


def _kind_of(value: Any) -> str:
    if isinstance(value, bool):
        return "TRUE_VALUE" if value else "FALSE_VALUE"
    return "NUMBER_VALUE" if isinstance(value, (int, float)) else "STRING_VALUE"
