"""The properties of what Search finds: their names, their types and how a record tells them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from botocore.model import ListShape, MapShape, Shape, StructureShape

from maze_helpers.local_cloud.errors import ValidationException
from maze_helpers.local_cloud.wire.trees import FLOATS, INTEGERS

# A property's type. LOOSE is text that counts as a number where it looks like one; a GROUP has no
# value of its own, but members that have.
TEXT, NUMBER, BOOLEAN, MOMENT, LOOSE, GROUP = (
    "text",
    "number",
    "Boolean",
    "timestamp",
    "hyperparameter",
    "structure",
)
# Properties that a record keeps as a list of pairs, and that are asked for by the pair's name:
# the list's member, the names of the pair's halves, and the type of the second.
_PAIRS = {
    "Metrics": ("FinalMetricDataList", "MetricName", "Value", NUMBER),
    "Tags": ("Tags", "Key", "Value", TEXT),
}
_LOOSE_MAPS = frozenset({"HyperParameters"})

Reader = Callable[[Any], list[Any]]


class Property(NamedTuple):
    """A property of a kind of record.

    read: returns its values in a record: none, where it has no such property; several, where a
    list is on the way to it.
    """

    name: str
    kind: str
    read: Reader


def property_of(shape: Shape, name: str) -> Property:
    """Return a record's property by its name, such as 'HyperParameters.max_depth'.

    shape: of the record, as the service's model has it.
    Raises: ValidationException, if records of that shape have no such property.
    Source: Filter, on Metrics, HyperParameters and Tags.
    """
    found = _walk(shape, name.split("."))
    if found is None:
        # The wording is a guess.
        raise ValidationException(f"The property name '{name}' is not valid for the resource.")
    return Property(name, *found)


def _walk(shape: Shape, parts: list[str]) -> tuple[str, Reader] | None:
    if isinstance(shape, ListShape):
        found = _walk(shape.member, parts)
        return found and (found[0], _each(found[1]))
    if not parts:
        return _kind(shape), lambda value: [value]
    if isinstance(shape, MapShape):
        key = ".".join(parts)
        kind = LOOSE if shape.name in _LOOSE_MAPS else TEXT
        return kind, lambda value: [value[key]] if key in value else []
    if isinstance(shape, StructureShape):
        return _pair(shape, parts) or _member(shape, parts)
    return None


def _each(read: Reader) -> Reader:
    return lambda values: [found for value in values for found in read(value)]


def _member(shape: StructureShape, parts: list[str]) -> tuple[str, Reader] | None:
    name, *rest = parts
    found = _walk(shape.members[name], rest) if name in shape.members else None
    if found is None:
        return None
    kind, read = found
    return kind, lambda value: read(value[name]) if name in value else []


def _pair(shape: StructureShape, parts: list[str]) -> tuple[str, Reader] | None:
    member, first, second, kind = _PAIRS.get(parts[0], ("", "", "", ""))
    if member not in shape.members or len(parts) == 1:
        return None
    wanted = ".".join(parts[1:])

    def read(value: dict[str, Any]) -> list[Any]:
        return [pair[second] for pair in value.get(member, []) if pair[first] == wanted]

    return kind, read


def _kind(shape: Shape) -> str:
    if shape.type_name in INTEGERS or shape.type_name in FLOATS:
        return NUMBER
    return {"boolean": BOOLEAN, "timestamp": MOMENT, "string": TEXT}.get(shape.type_name, GROUP)


def pair_names(record: dict[str, Any]) -> set[str]:
    """Return the names of a record's hyperparameters, metrics and tags, as filters have them."""
    names = {f"HyperParameters.{name}" for name in record.get("HyperParameters", {})}
    for prefix, (member, first, _, _) in _PAIRS.items():
        names |= {f"{prefix}.{pair[first]}" for pair in record.get(member, [])}
    return names
