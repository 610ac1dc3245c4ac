"""Checks a request against what its model states."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from botocore.model import ListShape, MapShape, OperationModel, Shape, StructureShape

from maze_helpers.local_cloud.constraints import (
    ITEMS,
    MAP_KEYS,
    MAP_VALUES,
    REQUIRED,
    Constraint,
    MapKey,
    Path,
    Violation,
    constraints,
    satisfies,
)
from maze_helpers.local_cloud.validation_wording import validation_error
from maze_helpers.local_cloud.wire import models

CONTAINERS = frozenset({"structure", "list", "map"})


def validate(operation: OperationModel, parameters: Mapping[str, Any]) -> None:
    """Check an operation's parameters.

    Raises: the error, in the service's words, that names everything that is wrong.
    """
    found = list(violations(models.input_shape(operation), parameters))
    if found:
        raise validation_error(operation, found)


def violations(
    shape: StructureShape, value: Mapping[str, Any], path: Path = ()
) -> Iterator[Violation]:
    """Yield what is wrong with a structure, in the order of the model's members.

    Differs from AWS, where several errors come in no order that one could tell beforehand.
    """
    if shape.is_document_type:
        return
    payload = shape.serialization.get("payload")
    for name, member in shape.members.items():
        found = value.get(name)
        if found is None and name in shape.required_members:
            yield Violation((*path, name), member, None, Constraint(REQUIRED))
        # How large a payload may be is for the operation to say: models lag behind there.
        elif found is not None and not (name == payload and member.type_name == "blob"):
            yield from _violations(member, found, (*path, name))


def _violations(shape: Shape, value: Any, path: Path) -> Iterator[Violation]:
    for constraint in constraints(shape):
        if not satisfies(value, constraint):
            yield Violation(path, shape, value, constraint)
    if shape.type_name == "structure":
        yield from violations(shape, value, path)
    elif shape.type_name == "list":
        yield from _list_violations(shape, value, path)
    elif shape.type_name == "map":
        yield from _map_violations(shape, value, path)


def _list_violations(shape: ListShape, value: list[Any], path: Path) -> Iterator[Violation]:
    if shape.member.type_name in CONTAINERS:
        for number, item in enumerate(value, 1):
            yield from _violations(shape.member, item, (*path, number))
    elif broken := _broken(shape.member, value):
        yield Violation(path, shape, value, Constraint(ITEMS, broken))


def _map_violations(shape: MapShape, value: Mapping[str, Any], path: Path) -> Iterator[Violation]:
    if broken := _broken(shape.key, value):
        yield Violation(path, shape, value, Constraint(MAP_KEYS, broken))
    if shape.value.type_name in CONTAINERS:
        for key, item in value.items():
            yield from _violations(shape.value, item, (*path, MapKey(key)))
    elif broken := _broken(shape.value, value.values()):
        yield Violation(path, shape, value, Constraint(MAP_VALUES, broken))


def _broken(shape: Shape, items: Iterable[Any]) -> tuple[Constraint, ...]:
    """Return all that is demanded of each item, if an item breaks any of it, else nothing."""
    demanded = constraints(shape)
    broken = any(not satisfies(item, demand) for item in items for demand in demanded)
    return demanded if broken else ()
