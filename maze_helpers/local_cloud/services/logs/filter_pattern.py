"""Filter patterns: which log messages FilterLogEvents returns.

Source: CloudWatch Logs User Guide, Filter pattern syntax.
"""

import re
from collections.abc import Callable

from maze_helpers.local_cloud.errors import UnknownOperation
from maze_helpers.local_cloud.services.logs.expressions import found_in, invalid_pattern
from maze_helpers.local_cloud.services.logs.json_pattern import json_predicate

Predicate = Callable[[str], bool]

_TERM = re.compile(r'\s*(?P<sign>[?-]?)(?:"(?P<quoted>(?:[^"\\]|\\.)*)"|(?P<word>[^\s"]+))')


class FilterPattern:
    """A pattern in one of AWS's forms: terms, a regular expression, or conditions on JSON.

    Terms are found anywhere in the message, case counts. Every plain term must be there and no
    `-` term; of `?` terms one must be, but they are ignored beside any other.
    """

    def __init__(self, text: str) -> None:
        """Read the pattern; an empty one matches every message.

        Raises: InvalidParameterException, if it is not well formed; UnknownOperation, for the
        one form that is not implemented, space-delimited fields.
        """
        self.matches = _predicate(text.strip())


def _predicate(text: str) -> Predicate:
    if text.startswith("{"):
        return json_predicate(text)
    if text.startswith("["):
        raise UnknownOperation(
            "The local cloud does not implement space-delimited filter patterns, [field, …]."
        )
    if len(text) > 1 and text.startswith("%") and text.endswith("%"):
        return found_in(text[1:-1])
    return _terms_predicate(text)


def _terms_predicate(text: str) -> Predicate:
    by_sign: dict[str, list[str]] = {"": [], "-": [], "?": []}
    for sign, term in _terms(text):
        by_sign[sign].append(term)
    required, excluded, optional = by_sign[""], by_sign["-"], by_sign["?"]
    if required or excluded:
        optional = []

    def matches(message: str) -> bool:
        return (
            all(term in message for term in required)
            and not any(term in message for term in excluded)
            and (not optional or any(term in message for term in optional))
        )

    return matches


def _terms(text: str) -> list[tuple[str, str]]:
    """Return a pattern's terms, each with its sign.

    Example: 'ERROR -"not found"' gives [('', 'ERROR'), ('-', 'not found')].
    """
    terms = []
    place = 0
    while place < len(text):
        match = _TERM.match(text, place)
        if match is None:
            raise invalid_pattern()
        quoted = match["quoted"]
        term = match["word"] if quoted is None else re.sub(r"\\(.)", r"\1", quoted)
        terms.append((match["sign"], term))
        place = match.end()
    return terms
