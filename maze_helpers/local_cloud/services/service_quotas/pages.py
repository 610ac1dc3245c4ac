"""The pages of Service Quotas' lists: where each goes on, as text."""

import base64
from typing import Any

from maze_helpers.local_cloud.errors import InvalidPaginationTokenException

PAGE_SIZE = 100

Document = dict[str, Any]


def page_of(codes: list[str], request: Document) -> tuple[list[str], Document]:
    """Return the codes on a page, and NextToken unless it is the last."""
    token = read_token(request)
    if token is not None and token not in codes:
        raise invalid_token()
    start = codes.index(token) + 1 if token is not None else 0
    end = start + request.get("MaxResults", PAGE_SIZE)
    if end >= len(codes):
        return codes[start:], {}
    return codes[start:end], {"NextToken": make_token(codes[end - 1])}


def make_token(last: str) -> str:
    """Return the token of the page behind the item of this key."""
    return base64.b64encode(last.encode()).decode()


def read_token(request: Document) -> str | None:
    """Return the key of the last item so far, None for a first page.

    Raises: InvalidPaginationTokenException.
    """
    if "NextToken" not in request:
        return None
    try:
        return base64.b64decode(request["NextToken"], validate=True).decode()
    except ValueError:
        raise invalid_token() from None


def invalid_token() -> InvalidPaginationTokenException:
    """Return the error for a token that was never given out."""
    # The wording is a guess.
    return InvalidPaginationTokenException("The pagination token is invalid.")
