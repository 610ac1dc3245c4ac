"""Filter patterns on JSON messages, such as { ($.code = 500) && ($.user.name = "a*") }."""

import json
import re
from collections.abc import Callable, Iterator
from fnmatch import fnmatchcase
from typing import Any

from maze_helpers.local_cloud.services.logs.expressions import found_in, invalid_pattern

Condition = Callable[[Any], bool]

_TOKEN = re.compile(
    r"""\s*(?:
    (?P<mark>&&|\|\||[()])
    |(?P<selector>\$(?:\.[\w*@-]+|\.?\['[^']*'\]|\[(?:\d+|\*)\])+)
    |(?P<operator>!=|>=|<=|[=<>])
    |(?P<test>IS\s+(?:TRUE|FALSE|NULL)\b|NOT\s+EXISTS\b)
    |"(?P<text>(?:[^"\\]|\\.)*)"
    |%(?P<regex>[^%]*)%
    |(?P<word>[^\s()&|"=<>!]+)
    )""",
    re.VERBOSE | re.IGNORECASE,
)
_STEP = re.compile(r"\.([\w*@-]+)|\.?\['([^']*)'\]|\[(\d+|\*)\]")
_COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {
    "=": lambda found, wanted: found == wanted,
    "!=": lambda found, wanted: found != wanted,
    ">": lambda found, wanted: found > wanted,
    "<": lambda found, wanted: found < wanted,
    ">=": lambda found, wanted: found >= wanted,
    "<=": lambda found, wanted: found <= wanted,
}


def json_predicate(text: str) -> Callable[[str], bool]:
    """Return whether a message is JSON that fulfils the conditions of a pattern.

    Raises: InvalidParameterException, if the pattern is not well formed.
    """
    if not text.endswith("}"):
        raise invalid_pattern()
    condition = _Parser(text[1:-1]).parse()

    def matches(message: str) -> bool:
        try:
            document = json.loads(message)
        except (ValueError, RecursionError):
            return False
        return isinstance(document, (dict, list)) and condition(document)

    return matches


class _Parser:
    """Reads conditions by recursive descent; && binds closer than ||."""

    def __init__(self, text: str) -> None:
        self._tokens: list[tuple[str, str]] = []
        place, text = 0, text.rstrip()
        while place < len(text):
            match = _TOKEN.match(text, place)
            if match is None or match.lastgroup is None:
                raise invalid_pattern()
            self._tokens.append((match.lastgroup, match[match.lastgroup]))
            place = match.end()

    def parse(self) -> Condition:
        condition = self._alternatives()
        if self._tokens:
            raise invalid_pattern()
        return condition

    def _alternatives(self) -> Condition:
        conditions = [self._conjunction()]
        while self._accept("mark", "||"):
            conditions.append(self._conjunction())
        return lambda document: any(condition(document) for condition in conditions)

    def _conjunction(self) -> Condition:
        conditions = [self._condition()]
        while self._accept("mark", "&&"):
            conditions.append(self._condition())
        return lambda document: all(condition(document) for condition in conditions)

    def _condition(self) -> Condition:
        if self._accept("mark", "("):
            condition = self._alternatives()
            self._expect("mark", ")")
            return condition
        selector = self._expect("selector")
        if self._tokens and self._tokens[0][0] == "test":
            return _tested(selector, self._tokens.pop(0)[1])
        operator = self._expect("operator")
        if not self._tokens:
            raise invalid_pattern()
        compare = _comparison(operator, *self._tokens.pop(0))
        return lambda document: any(compare(found) for found in _select(document, selector))

    def _accept(self, kind: str, text: str) -> bool:
        if self._tokens[:1] != [(kind, text)]:
            return False
        self._tokens.pop(0)
        return True

    def _expect(self, kind: str, text: str | None = None) -> str:
        if not self._tokens or self._tokens[0][0] != kind or text not in (None, self._tokens[0][1]):
            raise invalid_pattern()
        return self._tokens.pop(0)[1]


def _tested(selector: str, test: str) -> Condition:
    words = " ".join(test.upper().split())
    if words == "NOT EXISTS":
        return lambda document: next(_select(document, selector), _ABSENT) is _ABSENT
    wanted = {"IS TRUE": True, "IS FALSE": False, "IS NULL": None}[words]
    return lambda document: any(found is wanted for found in _select(document, selector))


_ABSENT = object()


def _select(document: Any, selector: str) -> Iterator[Any]:
    """Yield what a selector finds: nothing, one value or, with a wildcard, several.

    Example: '$.users[0].name' or '$.users[*].name'.
    """
    found = [document]
    for member, quoted, index in _STEP.findall(selector):
        found = [inner for outer in found for inner in _step(outer, member or quoted, index)]
    yield from found


def _step(value: Any, member: str, index: str) -> list[Any]:
    if index == "*":
        return value if isinstance(value, list) else []
    if index:
        fits = isinstance(value, list) and int(index) < len(value)
        return [value[int(index)]] if fits else []
    if not isinstance(value, dict):
        return []
    if member == "*":
        return list(value.values())
    return [value[member]] if member in value else []


def _comparison(operator: str, kind: str, text: str) -> Condition:
    """Return the condition on one value: with a number, a string that may hold *, or a regex.

    Raises: InvalidParameterException.
    """
    if kind == "word" and (number := _number(text)) is not None:
        compare = _COMPARISONS[operator]
        return lambda found: _is_number(found) and compare(found, number)
    if operator not in ("=", "!=") or kind not in ("word", "text", "regex"):
        raise invalid_pattern()
    equal = found_in(text) if kind == "regex" else _wildcard_match(text)
    wanted = operator == "="
    return lambda found: isinstance(found, (str, int, float)) and equal(_as_text(found)) == wanted


def _wildcard_match(text: str) -> Callable[[str], bool]:
    # Only * is a wildcard to AWS; fnmatch's others are taken literally.
    pattern = re.sub(r"[\[?]", lambda match: f"[{match[0]}]", re.sub(r"\\(.)", r"\1", text))
    return lambda found: fnmatchcase(found, pattern)


def _as_text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)
