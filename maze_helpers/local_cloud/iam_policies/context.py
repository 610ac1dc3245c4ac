"""What a request is judged by: its action, its resource, and its condition keys."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

Values = str | Sequence[str]
Tags = Mapping[str, str]
# What takes a look-up is given as a function, which is called when a policy asks.
KeyValues = Values | Tags | Callable[[], Values | Tags | None] | None


@dataclass(frozen=True)
class Context:
    """The condition keys of one request. A key that is not there behaves as absent.

    A name that ends in a slash, such as 'aws:PrincipalTag/', has tags: a key each.
    """

    keys: Mapping[str, KeyValues] = field(default_factory=dict)

    def values(self, key: str) -> list[str] | None:
        """Return a key's values, or None where it is absent. Keys' names have no case."""
        lower = key.lower()
        found = _looked_up(self._by_lower_case.get(lower))
        family, slash, tag = lower.partition("/")
        if found is None and slash:
            tags = _looked_up(self._by_lower_case.get(family + slash)) or {}
            found = next((value for name, value in tags.items() if name.lower() == tag), None)
        if found is None:
            return None
        return [found] if isinstance(found, str) else list(found)

    @cached_property
    def _by_lower_case(self) -> dict[str, KeyValues]:
        return {name.lower(): value for name, value in self.keys.items()}


def _looked_up(values: KeyValues) -> KeyValues:
    return values() if callable(values) else values


@dataclass(frozen=True)
class PolicyRequest:
    """An action, such as 's3:GetObject', on a resource's ARN, or '*' where it has none."""

    action: str
    resource: str
    context: Context = field(default_factory=Context)
