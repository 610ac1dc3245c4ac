"""What notebook instances bill, read through the AWS API: each second from InService to Stopped.

One may have been started many times. Each start of its Jupyter leaves a line in the log stream
jupyter.log, and each stop another; where a stop left none, the run counts up to its last line
before the next start, less what that start itself may have written. While it is InService, its
LastModifiedTime says since when. What is not counted: the minutes in which it comes up, a start
that failed, the volume. One whose role may not write logs bills its present run alone.

One that is deleted is known by its log, if its name begins with PREFIX; nothing tells any more of
what type it was. With its log it is forgotten.
"""

import math
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta, timezone
from typing import Any, NamedTuple

import boto3
from botocore.exceptions import ClientError

from maze_helpers.endpoint_bills import UNKNOWN, Row
from maze_helpers.gone import is_gone
from maze_helpers.tags import is_tagged

LOG_GROUP = "/aws/sagemaker/NotebookInstances"
# How the workshop's notebook instances are called: a log stream carries no tags.
PREFIX = "maze-"
_STREAM = "jupyter.log"
_STARTED, _STOPPED = "is running at", "received signal 15"
_LINES = f'?"{_STARTED}" ?"{_STOPPED}"'
# What a start writes before it says that it runs.
_COMING_UP = timedelta(minutes=2)


class Run(NamedTuple):
    """From when to when Jupyter ran. stopped: whether the log has the line of its stop."""

    start: datetime
    end: datetime
    stopped: bool


def notebook_rows(session: boto3.Session) -> Iterator[Row]:
    """Yield a row of the ledger for each of the maze's notebook instances, with `created`."""
    sagemaker = session.client("sagemaker")
    pages = sagemaker.get_paginator("list_notebook_instances").paginate()
    found = [summary for page in pages for summary in page["NotebookInstances"]]
    for summary in found:
        if is_tagged(sagemaker, summary["NotebookInstanceArn"]):
            runs = _runs_of(session, summary)
            yield _row(summary, summary["CreationTime"], summary["InstanceType"], runs)
    living = {summary["NotebookInstanceName"] for summary in found}
    for name in sorted(logged_names(session, PREFIX) - living):
        runs = _logged_runs(session, name)
        if runs:
            yield _row({"NotebookInstanceName": name}, runs[0].start, UNKNOWN, runs)


def logged_names(session: boto3.Session, prefix: str) -> set[str]:
    """Return the names of the notebook instances, also deleted ones, that have a log."""
    return {stream.partition("/")[0] for stream in log_streams(session, prefix)}


def log_streams(session: boto3.Session, prefix: str) -> list[str]:
    """Return the log streams of the notebook instances whose names begin so."""
    pages = session.client("logs").get_paginator("describe_log_streams")
    request = {"logGroupName": LOG_GROUP, "logStreamNamePrefix": prefix}
    try:
        return [
            stream["logStreamName"]
            for page in pages.paginate(**request)
            for stream in page["logStreams"]
        ]
    except ClientError as error:
        if not is_gone(error):
            raise
        return []


def _runs_of(session: boto3.Session, summary: dict) -> list[Run]:
    """Return the runs of a notebook instance that is there; the last one up to now if it runs."""
    runs = _logged_runs(session, summary["NotebookInstanceName"])
    if summary["NotebookInstanceStatus"] != "InService":
        return runs
    since = summary["LastModifiedTime"]
    earlier = [run for run in runs if run.start < since]
    # Its Jupyter says that it runs a little before it is InService. That line may not be stored
    # yet: then the last is a run that was stopped.
    if earlier and not earlier[-1].stopped and earlier[-1].start > since - _COMING_UP:
        earlier.pop()
    return [*earlier, Run(since, datetime.now(timezone.utc), stopped=False)]


def _logged_runs(session: boto3.Session, name: str) -> list[Run]:
    """Return the begins and ends that a notebook instance's log tells of, in order."""
    logs = session.client("logs")
    stream = f"{name}/{_STREAM}"
    if stream not in log_streams(session, stream):
        return []
    pages = logs.get_paginator("filter_log_events").paginate(
        logGroupName=LOG_GROUP, logStreamNames=[stream], filterPattern=_LINES
    )
    marks = [(event["timestamp"], event["message"]) for page in pages for event in page["events"]]
    return list(_runs(logs, stream, sorted(marks)))


def _runs(logs: Any, stream: str, marks: list[tuple[int, str]]) -> Iterator[Run]:
    starts = [time_ms for time_ms, line in marks if _STARTED in line]
    stops = [time_ms for time_ms, line in marks if _STOPPED in line]
    for start_ms, next_ms in zip(starts, [*starts[1:], None], strict=True):
        ends = [ms for ms in stops if ms >= start_ms and (next_ms is None or ms < next_ms)]
        end_ms = ends[0] if ends else _last_line_ms(logs, stream, start_ms, next_ms)
        yield Run(_moment(start_ms), _moment(end_ms), stopped=bool(ends))


def _last_line_ms(logs: Any, stream: str, start_ms: int, next_ms: int | None) -> int:
    """Return when a run wrote its last line, start_ms if nothing after its start is surely its."""
    request = {"logGroupName": LOG_GROUP, "logStreamName": stream, "startTime": start_ms}
    if next_ms is not None:
        request["endTime"] = max(start_ms + 1, next_ms - int(_COMING_UP.total_seconds() * 1000))
    events = logs.get_log_events(**request, limit=1, startFromHead=False)["events"]
    return events[0]["timestamp"] if events else start_ms


def _row(summary: dict, created: datetime, instance: str, runs: Iterable[Run]) -> Row:
    return {
        "job": summary["NotebookInstanceName"],
        "created": created,
        "use": "notebook",
        "instance": instance,
        "count": 1,
        "billable_s": sum(math.ceil((end - start).total_seconds()) for start, end, _ in runs),
    }


def _moment(epoch_ms: int) -> datetime:
    return datetime.fromtimestamp(epoch_ms / 1000, tz=timezone.utc)
