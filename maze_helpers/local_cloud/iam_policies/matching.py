"""Patterns of policies: `*` and `?` in text and in ARNs, and policy variables.

Source: IAM guide, "IAM JSON policy elements: Resource" and "Variables and tags".
"""

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

from maze_helpers.local_cloud.iam_policies.context import Context

# ARNs have six fields; what is behind the fifth colon is one, whatever it holds.
_ARN_FIELDS = 6
_VARIABLE = re.compile(r"\$\{([^}]*)\}")
_DEFAULT = re.compile(r"(?P<key>[^,]*?)\s*,\s*'(?P<default>[^']*)'")
# ${*}, ${?} and ${$} are these characters themselves.
_LITERALS = ("*", "?", "$")


class Piece(NamedTuple):
    """A part of a pattern: a wildcard, or text that stands for itself."""

    text: str
    is_wildcard: bool = False


def pieces(pattern: str) -> list[Piece]:
    """Return a pattern without variables in parts.

    Example: 'a*' gives [Piece('a'), Piece('*', True)].
    """
    return [Piece(part, part in ("*", "?")) for part in re.split(r"([*?])", pattern) if part]


def expanded(pattern: str, context: Context) -> list[Piece] | None:
    """Return a pattern in parts, its variables replaced; None, where one has no value.

    A value stands for itself, whatever is in it. Example: '${aws:username}*' for the user 'a*'
    gives [Piece('a*'), Piece('*', True)].
    """
    found: list[Piece] = []
    position = 0
    for match in _VARIABLE.finditer(pattern):
        value = _value(match[1].strip(), context)
        if value is None:
            return None
        found += pieces(pattern[position : match.start()])
        found.append(Piece(value))
        position = match.end()
    return found + pieces(pattern[position:])


def _value(variable: str, context: Context) -> str | None:
    if variable in _LITERALS:
        return variable
    match = _DEFAULT.fullmatch(variable)
    values = context.values(match["key"] if match else variable)
    # A key with several values is no variable.
    if values is not None and len(values) == 1:
        return values[0]
    return match["default"] if match else None


def matches(pattern: Sequence[Piece], text: str) -> bool:
    """Return whether a text is what a pattern describes, from its start to its end."""
    return _regex(_source(pattern)).fullmatch(text) is not None


def matches_arn(pattern: Sequence[Piece], arn: str) -> bool:
    """Return whether an ARN is what a pattern describes, field by field.

    A wildcard ends at its field's colon; fields that the pattern leaves out may be anything.
    A text that is no ARN, such as '*', is compared as a whole.
    """
    if [piece.text for piece in pattern] == ["*"]:
        return True
    if not arn.startswith("arn:"):
        return matches(pattern, arn)
    return _arn_regex(tuple(pattern)).fullmatch(arn) is not None


@lru_cache(maxsize=4096)
def _arn_regex(pattern: tuple[Piece, ...]) -> "re.Pattern[str]":
    fields: list[list[Piece]] = [[]]
    for piece in pattern:
        # In the last field, a colon is a character as any other.
        first, *rest = piece.text.split(":", _ARN_FIELDS - len(fields))
        fields[-1].append(Piece(first, piece.is_wildcard))
        fields += [[Piece(text)] for text in rest]
    sources = [_source(field, "[^:]") for field in fields[: _ARN_FIELDS - 1]]
    sources += [_source(field) for field in fields[_ARN_FIELDS - 1 :]]
    sources += ["[^:]*"] * (_ARN_FIELDS - 1 - len(sources))
    if len(sources) < _ARN_FIELDS:
        sources.append(".*")
    return _regex(":".join(sources))


def _source(pattern: Sequence[Piece], any_character: str = ".") -> str:
    wildcards = {"*": f"{any_character}*", "?": any_character}
    return "".join(
        wildcards[piece.text] if piece.is_wildcard else re.escape(piece.text) for piece in pattern
    )


@lru_cache(maxsize=4096)
def _regex(source: str) -> "re.Pattern[str]":
    return re.compile(source, re.DOTALL)
