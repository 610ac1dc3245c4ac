"""The JSONPaths of DataProcessing: the operators that SageMaker takes, and what they select.

Source: SageMaker guide, "Associate Prediction Results with Input Records", which refers to Jayway's
JsonPath for what a path gives: one value for a path that can only name one, an object for several
names at its end, and an array for all else.
"""

import operator
import re
from collections.abc import Callable
from typing import Any, TypeVar

import jsonpath
from jsonpath.segments import JSONPathChildSegment
from jsonpath.selectors import IndexSelector, NameSelector, SliceSelector, WildcardSelector

Field = TypeVar("Field", str, bytes)

# Source: the error text that boto3's issue 3136 quotes, of "application/jsonlines".
OPERATORS = ("$", "[", "]", "*", ".", " ", ",", ":", "-", "'")
# What the library takes as RFC 9535 has it, and SageMaker as Jayway: a dot before a bracket, and
# names with hyphens or with digits first. What is within quotes matches first, and stays.
_JAYWAYS = re.compile(r"(?P<quoted>'[^']*')|\.\s*(?=\[)|\.(?P<name>[\w-]+)")
_RANGES = (
    "only single range filters of format (eg: [1:5]) are supported. Format {} is not supported"
)


class InvalidJsonPath(Exception):
    """A path is not one that SageMaker takes, or selects nothing of a record."""


class _Environment(jsonpath.JSONPathEnvironment):
    """The library, but a string has no characters for a range to select."""

    def getitem(self, obj: Any, key: Any) -> Any:
        """Return what a selector names."""
        return [] if isinstance(obj, str) else super().getitem(obj, key)


_ENVIRONMENT = _Environment(strict=True)


def unexpected_character(path: str) -> str | None:
    """Return the first character that CreateTransformJob refuses in a path."""
    for character in path:
        if character not in OPERATORS and not (character.isascii() and character.isalnum()):
            return character
    return None


class JsonPath:
    """A path into JSON values."""

    def __init__(self, path: str) -> None:
        """Raises: InvalidJsonPath."""
        self._path = path
        segments = _segments(path)
        self.is_root = not segments
        self._names = _names(segments[-1]) if segments else []
        within = segments[:-1] if self._names else segments
        self._is_singular = all(map(_is_one, within))
        self._find = jsonpath.JSONPath(env=_ENVIRONMENT, segments=within).findall

    def select(self, value: Any) -> Any:
        """Return what the path selects of a JSON value.

        Raises: InvalidJsonPath, if that is nothing where it must be one value.
        """
        if self.is_root:
            return value
        # The library would take a string for JSON text; no path selects anything of one.
        found = [] if isinstance(value, str) else self._find(value)
        if self._names:
            found = [_pick(parent, self._names) for parent in found if isinstance(parent, dict)]
        return self._only(found) if self._is_singular else found

    def _only(self, found: list[Any]) -> Any:
        if not found:
            # Jayway's words; that SageMaker's are the same is a guess.
            raise InvalidJsonPath(f"No results for path: {self._path}")
        return found[0]


class Columns:
    """A path into the rows of a CSV file, each of which is an array."""

    def __init__(self, path: str) -> None:
        """Raises: InvalidJsonPath, if it is more than one segment of indexes and ranges."""
        self._path = path
        segments = _segments(path)
        self.is_root = not segments
        if len(segments) > 1 or any(_has_name(segment) for segment in segments):
            raise InvalidJsonPath(
                f"Invalid JsonPath: {path}: only index based filters are supported for CSV"
            )
        selectors = segments[0].selectors if segments else ()
        self._parts = [_part(selector) for selector in selectors]

    def select(self, row: list[Field]) -> list[Field]:
        """Return the row's fields that the path selects, in its order.

        Raises: InvalidJsonPath, for an index beyond the row.
        """
        if self.is_root:
            return row
        try:
            return [field for part in self._parts for field in part(row)]
        except IndexError:
            # Source: API reference, DataProcessing: it is an error. Its words are a guess.
            raise InvalidJsonPath(
                f"Invalid JsonPath: {self._path}: index out of range of {len(row)} columns"
            ) from None


def _segments(path: str) -> list[JSONPathChildSegment]:
    """Return a path's segments. Raises: InvalidJsonPath."""
    try:
        segments = _ENVIRONMENT.compile(_JAYWAYS.sub(_as_rfc_9535, path)).segments
    except (jsonpath.JSONPathError, ValueError) as error:
        raise InvalidJsonPath(f"Invalid JsonPath: {path}") from error
    for segment in segments:
        if not isinstance(segment, JSONPathChildSegment):
            raise InvalidJsonPath(f"Invalid JsonPath: {path}")
        _check(path, segment)
    return list(segments)


def _as_rfc_9535(match: re.Match[str]) -> str:
    name = match["name"]
    return match["quoted"] or (f"['{name}']" if name else "")


def _check(path: str, segment: JSONPathChildSegment) -> None:
    kinds = {type(selector) for selector in segment.selectors}
    n_ranges = sum(isinstance(selector, SliceSelector) for selector in segment.selectors)
    steps = [s.slice.step for s in segment.selectors if isinstance(s, SliceSelector)]
    if n_ranges > 1 or any(step is not None for step in steps):
        # Source: the data log that the SageMaker SDK's issue 1112 quotes.
        text = path[path.index("[") :]
        raise InvalidJsonPath(f"Invalid JsonPath: {path}: {_RANGES.format(text)}")
    allowed = ({NameSelector}, {WildcardSelector})
    if kinds not in allowed and not kinds <= {IndexSelector, SliceSelector}:
        raise InvalidJsonPath(f"Invalid JsonPath: {path}")


def _has_name(segment: JSONPathChildSegment) -> bool:
    return any(isinstance(selector, NameSelector) for selector in segment.selectors)


def _is_one(segment: JSONPathChildSegment) -> bool:
    """Return whether a segment can only name one value."""
    selectors = segment.selectors
    return len(selectors) == 1 and isinstance(selectors[0], (NameSelector, IndexSelector))


def _names(segment: JSONPathChildSegment) -> list[str]:
    """Return the names of a segment that has several."""
    if len(segment.selectors) < 2:
        return []
    return [s.name for s in segment.selectors if isinstance(s, NameSelector)]


def _pick(parent: dict[str, Any], names: list[str]) -> dict[str, Any]:
    return {name: parent[name] for name in names if name in parent}


def _part(selector: Any) -> Callable[[list[Field]], list[Field]]:
    """Return what a selector of indexes takes from a row."""
    if isinstance(selector, SliceSelector):
        return operator.itemgetter(selector.slice)
    if isinstance(selector, IndexSelector):
        index = selector.index
        return lambda row: [row[index]]
    return list
