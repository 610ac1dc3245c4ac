"""What a service model demands of a value: presence, lengths, ranges, patterns, enums."""

import functools
import re
from dataclasses import dataclass
from typing import Any

import regex
from botocore.model import Shape

from maze_helpers.local_cloud.wire.trees import FLOATS, INTEGERS

# Longer than any honest match takes; a pattern that backtracks without end is a mismatch.
PATTERN_TIMEOUT_S = 1.0

# What Java's patterns spell otherwise than Python's. The first are the characters beyond the
# first 65,536; the named classes are ASCII in Java, unlike those of Unicode such as \p{L}.
JAVA_SPELLINGS = {
    r"\uD800\uDC00-\uDBFF\uDFFF": r"\U00010000-\U0010FFFF",
    r"\p{Alnum}": "a-zA-Z0-9",
    r"\p{ASCII}": r"\x00-\x7F",
    r"\p{Print}": r"\x20-\x7E",
}
# A class, an escape, or what stands for any character but Java's line ends.
_TOKEN = re.compile(r"\[(?:\\.|[^\]\\])*\]|\\p\{\w+\}|\\.|\.")
_ANY_OF_A_LINE = r"[^\n\r\u0085\u2028\u2029]"

# Kinds of constraint. Those of a list's or a map's scalars are reported on the list or map.
REQUIRED = "required"
MAX_LENGTH, MIN_LENGTH = "max_length", "min_length"
MAX_VALUE, MIN_VALUE = "max_value", "min_value"
PATTERN, ENUM = "pattern", "enum"
ITEMS, MAP_KEYS, MAP_VALUES = "items", "map_keys", "map_values"


class MapKey(str):
    """A part of a path that is a map's key, where a member's name is a plain string."""


Path = tuple[str | int, ...]


@dataclass(frozen=True)
class Constraint:
    """One demand. limit: the number, pattern, enum values or, for items, their constraints."""

    kind: str
    limit: Any = None


@dataclass(frozen=True)
class Violation:
    """A value that breaks a constraint.

    path: member names; a number from 1 for an item of a list; a MapKey for a value of a map.
    """

    path: Path
    shape: Shape
    value: Any
    constraint: Constraint


def constraints(shape: Shape) -> tuple[Constraint, ...]:
    """Return what the model demands of a value in itself, in the order in which AWS says it."""
    stated = shape.metadata
    return _constraints(
        shape.type_name in INTEGERS or shape.type_name in FLOATS,
        stated.get("min"),
        stated.get("max"),
        stated.get("pattern"),
        tuple(stated.get("enum", ())),
    )


@functools.cache
def _constraints(
    numeric: bool,
    least: float | None,
    most: float | None,
    pattern: str | None,
    enum: tuple[str, ...],
) -> tuple[Constraint, ...]:
    found = []
    if most is not None:
        found.append(Constraint(MAX_VALUE if numeric else MAX_LENGTH, most))
    if least is not None:
        found.append(Constraint(MIN_VALUE if numeric else MIN_LENGTH, least))
    if pattern is not None:
        found.append(Constraint(PATTERN, pattern))
    if enum:
        found.append(Constraint(ENUM, enum))
    return tuple(found)


def satisfies(value: Any, constraint: Constraint) -> bool:
    """Return whether a value keeps a constraint."""
    kind, limit = constraint.kind, constraint.limit
    if kind == MAX_LENGTH:
        return len(value) <= limit
    if kind == MIN_LENGTH:
        return len(value) >= limit
    if kind == MAX_VALUE:
        return value <= limit
    if kind == MIN_VALUE:
        return value >= limit
    if kind == ENUM:
        return value in limit
    return _matches(limit, value)


def _matches(pattern: str, value: str) -> bool:
    """Return whether a pattern matches all of a value, as Java's `matches` does."""
    try:
        return compiled(pattern).fullmatch(value, timeout=PATTERN_TIMEOUT_S) is not None
    except TimeoutError:
        return False


@functools.cache
def compiled(pattern: str) -> regex.Pattern:
    """Return a model's pattern, compiled to match as it does in Java."""
    translated = _TOKEN.sub(_translated, pattern)
    # Java's \w, \d and \s are ASCII, its \p{L} and the like are not; the flag would restrict both.
    return regex.compile(translated, 0 if r"\p" in translated else regex.ASCII)


def _translated(token: re.Match[str]) -> str:
    """Return a part of a Java pattern as Python has it.

    Example: '.' is [^\\n\\r\\u0085\\u2028\\u2029]; \\p{Alnum} is [a-zA-Z0-9].
    """
    text = token[0]
    if text == ".":
        return _ANY_OF_A_LINE
    for java, python in JAVA_SPELLINGS.items():
        text = text.replace(java, python if text.startswith("[") else f"[{python}]")
    return text
