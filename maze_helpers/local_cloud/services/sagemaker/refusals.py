"""How an operation refuses members of its request: what is not here, and what AWS demands."""

from collections.abc import Iterable, Mapping
from typing import Any

from maze_helpers.local_cloud.errors import ValidationException


def unsupported(operation: str, member: str, value: object = None) -> ValidationException:
    """Return the error that names a member, or one value of it, that the local cloud has not."""
    setting = member if value is None else f"{member} '{value}'"
    return ValidationException(f"The local cloud does not support {setting} in {operation}.")


def refuse(operation: str, path: str, members: Mapping[str, Any], names: Iterable[str]) -> None:
    """Refuse the first of the named members that is there and says something.

    path: of the structure that holds them, "" for the request itself.
    Raises: ValidationException.
    """
    for name in names:
        if members.get(name):
            raise unsupported(operation, f"{path}.{name}".lstrip("."))


def missing(path: str) -> ValidationException:
    """Return AWS's error for a member that must be there, though its model does not say so.

    path: as AWS spells it, such as 'primaryContainer.image'.
    """
    return ValidationException(
        f"1 validation error detected: Value null at '{path}' failed to satisfy constraint: "
        "Member must not be null"
    )
