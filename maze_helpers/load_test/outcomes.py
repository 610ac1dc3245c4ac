"""What came of a call: every end that a call can have, by name.

ok                      answered with 200
throttled               refused, because as many run as may
model error             the container answered with an error
time-out                no answer in time, by the client's clock or by the endpoint's
connection              no connection, or one that broke before the whole answer was there
other: <code>           any other error, by its code
not started             open loop: as many calls as may were under way when it should have begun
unfinished              still under way when the test was ended
"""

from __future__ import annotations

from typing import Any, NamedTuple

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectTimeoutError,
    HTTPClientError,
    IncompleteReadError,
    ReadTimeoutError,
)
from botocore.exceptions import ConnectionError as NoConnection

OK, THROTTLED, MODEL_ERROR = "ok", "throttled", "model error"
TIME_OUT, CONNECTION = "time-out", "connection"
NOT_STARTED, UNFINISHED = "not started", "unfinished"
# In this order in tables and legends; others come after, by name.
OUTCOMES = (OK, THROTTLED, MODEL_ERROR, TIME_OUT, CONNECTION, NOT_STARTED, UNFINISHED)

THROTTLING_CODES = {"ThrottlingException", "Throttling", "TooManyRequestsException"}
CALL_ERRORS = (ClientError, BotoCoreError, HTTPClientError)


class Outcome(NamedTuple):
    """A call's end. status: HTTP's, None where no answer came; detail: the error's text."""

    name: str
    status: int | None = None
    detail: str = ""


def other(code: str) -> str:
    """Return the name of an outcome that has none of its own, such as 'other: HTTP 503'."""
    return f"other: {code}"


def sort_key(outcome: str) -> tuple[int, str]:
    """Return what sorts outcomes: those of `OUTCOMES` first, in their order."""
    known = OUTCOMES.index(outcome) if outcome in OUTCOMES else len(OUTCOMES)
    return known, outcome


def of_error(error: Exception) -> Outcome:
    """Return the outcome that one of `CALL_ERRORS` stands for."""
    if isinstance(error, ClientError):
        return _of_answer(error.response, str(error))
    if isinstance(error, (ReadTimeoutError, ConnectTimeoutError)):
        return Outcome(TIME_OUT, detail=str(error))
    if isinstance(error, (NoConnection, HTTPClientError, IncompleteReadError)):
        return Outcome(CONNECTION, detail=str(error))
    return Outcome(other(type(error).__name__), detail=str(error))


def _of_answer(response: dict[str, Any], detail: str) -> Outcome:
    code = response["Error"]["Code"]
    status = response["ResponseMetadata"]["HTTPStatusCode"]
    if code in THROTTLING_CODES:
        name = THROTTLED
    elif code == "ModelError":
        # A container that takes too long is a ModelError too; only the text tells them apart.
        late = "timed out" in response.get("OriginalMessage", "") + detail
        name = TIME_OUT if late and response.get("OriginalStatusCode", 0) == 0 else MODEL_ERROR
    else:
        name = other(code)
    return Outcome(name, status, detail)


def of_status(status: int, body: bytes) -> Outcome:
    """Return the outcome of a plain HTTP answer. body: how it begins, kept if it is an error."""
    if 200 <= status < 300:
        return Outcome(OK, status)
    name = {429: THROTTLED, 504: TIME_OUT}.get(status, other(f"HTTP {status}"))
    return Outcome(name, status, body.decode(errors="replace"))
