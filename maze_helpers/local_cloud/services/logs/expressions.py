"""Regular expressions in filter patterns."""

from collections.abc import Callable

import regex

from maze_helpers.local_cloud.errors import InvalidParameterException

# Longer than any honest search takes; then the expression counts as not found.
SEARCH_TIMEOUT_S = 0.5


def found_in(expression: str) -> Callable[[str], bool]:
    """Return whether a regular expression is found somewhere in a message.

    Raises: InvalidParameterException.
    """
    try:
        compiled = regex.compile(expression)
    except regex.error as error:
        raise invalid_pattern() from error

    def found(message: str) -> bool:
        try:
            return compiled.search(message, timeout=SEARCH_TIMEOUT_S) is not None
        except TimeoutError:
            return False

    return found


def invalid_pattern() -> InvalidParameterException:
    """Return the error for a pattern that is not well formed."""
    return InvalidParameterException("Invalid filter pattern")
