"""One thing that a caller must be allowed for an operation to be carried out."""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from maze_helpers.local_cloud.authorization import Keys

Parameters = Mapping[str, Any]


class Account(NamedTuple):
    """Where resources are, as their ARNs have it."""

    account_id: str
    region: str


class Target(NamedTuple):
    """An action on a resource.

    shown: the resource as the error names it, "" where that is its ARN.
    """

    action: str
    resource: str = "*"
    keys: Keys = {}
    shown: str = ""


def found_below(parameters: Any, member: str) -> Iterator[Any]:
    """Yield the values of every member of a name, however deep it is in a request."""
    if isinstance(parameters, Mapping):
        for name, value in parameters.items():
            if name == member:
                yield value
            yield from found_below(value, member)
    elif isinstance(parameters, list):
        for value in parameters:
            yield from found_below(value, member)


def tag_keys(tags: list[Mapping[str, str]] | None) -> dict[str, Any]:
    """Return the condition keys of the tags in a request."""
    if not tags:
        return {}
    by_key = {tag["Key"]: tag.get("Value", "") for tag in tags}
    return {"aws:RequestTag/": by_key, "aws:TagKeys": list(by_key)}
