"""Page tokens: where a listing goes on, as text that means nothing to the caller."""

import base64
import binascii
import json
import re
from collections.abc import Iterable
from typing import Any

from maze_helpers.local_cloud.errors import InvalidParameterException
from maze_helpers.local_cloud.services.logs.store import Position

# The most bytes of events on a page; the most events on one is the model's (GetLogEvents).
MAX_PAGE_BYTES = 1_048_576
MAX_PAGE_EVENTS = 10_000

FORWARD, BACKWARD = "f", "b"
# In the database.
_LARGEST = 2**63 - 1
_EVENT_TOKEN = re.compile(r"([fb])/(\d{28})(\d{28})/s", re.ASCII)


def make_token(*key: Any) -> str:
    """Return the token of the page after the item that has this sort key."""
    return base64.urlsafe_b64encode(json.dumps(key).encode()).decode()


def read_token(token: str, *kinds: type) -> tuple[Any, ...]:
    """Return the sort key that a token holds.

    kinds: what its parts must be. Raises: InvalidParameterException, if it is not one of ours.
    """
    try:
        key = json.loads(base64.urlsafe_b64decode(token))
    except (binascii.Error, ValueError, RecursionError):
        raise invalid_token() from None
    fits = isinstance(key, list) and len(key) == len(kinds)
    if not fits or not all(map(isinstance, key, kinds)):
        raise invalid_token()
    _check_numbers(part for part in key if isinstance(part, int))
    return tuple(key)


def make_event_token(direction: str, position: Position) -> str:
    """Return GetLogEvents' token to go on forward ('f') or backward ('b') from a position."""
    return f"{direction}/{position.timestamp_ms:028d}{position.sequence:028d}/s"


def read_event_token(token: str) -> tuple[str, Position]:
    """Return the direction and the position that GetLogEvents' token holds.

    Raises: InvalidParameterException, if it is not one of ours.
    """
    match = _EVENT_TOKEN.fullmatch(token)
    if match is None:
        raise invalid_token()
    position = Position(int(match[2]), int(match[3]))
    _check_numbers(position)
    return match[1], position


def _check_numbers(numbers: Iterable[int]) -> None:
    if any(abs(number) > _LARGEST for number in numbers):
        raise invalid_token()


def invalid_token() -> InvalidParameterException:
    """Return the error for a token that was never given out."""
    return InvalidParameterException("The specified nextToken is invalid.")
