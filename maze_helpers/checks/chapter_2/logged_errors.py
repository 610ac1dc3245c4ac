"""The errors that a model's own code has left in its log, which AWS's answers do not tell."""

import re
from typing import Any

import boto3

# The last line of a traceback, such as "ValueError: X has 64 features, but …".
_ERROR = re.compile(r"^(?:[\w.]+\.)?\w*(?:Error|Exception): .+$", re.MULTILINE)
_MOST_CHARACTERS = 200


def logged_errors(
    session: boto3.Session, group: str, stream_prefix: str = "", since_s: float = 0
) -> list[str]:
    """Return the last lines of the tracebacks in a log group, in order of time.

    since_s: by the clock, in seconds since 1970.
    """
    logs = session.client("logs")
    request: dict[str, Any] = {"logGroupName": group, "startTime": int(since_s * 1000)}
    if stream_prefix:
        request["logStreamNamePrefix"] = stream_prefix
    try:
        pages = list(logs.get_paginator("filter_log_events").paginate(**request))
    except logs.exceptions.ResourceNotFoundException:
        return []
    text = "\n".join(event["message"] for page in pages for event in page["events"])
    return [line[:_MOST_CHARACTERS].strip() for line in _ERROR.findall(text)]
