"""Watching an endpoint come up: its status and its container's log, line by line as they come."""

import time
from collections.abc import Iterator
from typing import Any, NamedTuple

import boto3
import pandas as pd
from botocore.exceptions import ClientError

from maze_helpers.gone import is_gone
from maze_helpers.local_cloud.errors import MazeError

IN_TRANSIT = ("Creating", "Updating", "SystemUpdating", "RollingBack", "Deleting")
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.1, 5.0
# How far the log may be behind the status.
LAST_LINES_S = 0.5


class Seen(NamedTuple):
    """Something that was seen: when, by the service's clock (ms), and where ("status", "log")."""

    timestamp_ms: int
    source: str
    text: str


def watch_endpoint(session: boto3.Session, endpoint_name: str) -> pd.DataFrame:
    """Print an endpoint's status and log until it is no longer in transit; return what was seen.

    One row a line: seconds since the endpoint was created or last changed, source, text.
    Raises: MazeError, with its FailureReason if it ends Failed, or if there is no such endpoint.
    """
    sagemaker, log = session.client("sagemaker"), EndpointLog(session, endpoint_name)
    endpoint = _describe(sagemaker, endpoint_name)
    printer = _Printer(_start_ms(endpoint))
    pause_s = FIRST_PAUSE_S
    while True:
        printer.print_log(log)
        printer.print_status(endpoint)
        if endpoint["EndpointStatus"] not in IN_TRANSIT:
            break
        time.sleep(pause_s)
        pause_s = min(pause_s * 1.2, LONGEST_PAUSE_S)
        endpoint = _describe(sagemaker, endpoint_name)
    time.sleep(LAST_LINES_S)
    printer.print_log(log)
    if endpoint["EndpointStatus"] == "Failed":
        raise MazeError(f"{endpoint_name} failed: {endpoint['FailureReason']}")
    return pd.DataFrame(printer.rows, columns=["seconds", "source", "text"])


def _describe(sagemaker: Any, endpoint_name: str) -> dict[str, Any]:
    try:
        return sagemaker.describe_endpoint(EndpointName=endpoint_name)
    except ClientError as error:
        if not is_gone(error):
            raise
        raise MazeError(f"There is no endpoint {endpoint_name}, or no more.") from error


class _Printer:
    """Prints what is seen, in seconds since a moment, and keeps it."""

    def __init__(self, start_ms: int) -> None:
        self.rows: list[tuple[float, str, str]] = []
        self._start_ms = start_ms
        self._status = ""

    def print_status(self, endpoint: dict[str, Any]) -> None:
        """Print an endpoint's status where it is another than before."""
        if endpoint["EndpointStatus"] != self._status:
            self._status = endpoint["EndpointStatus"]
            changed_ms = int(endpoint["LastModifiedTime"].timestamp() * 1000)
            self._print(Seen(changed_ms, "status", self._status))

    def print_log(self, log: "EndpointLog") -> None:
        """Print the lines that have come."""
        for line in log.new_lines():
            self._print(line)

    def _print(self, seen: Seen) -> None:
        seconds = (seen.timestamp_ms - self._start_ms) / 1000
        self.rows.append((seconds, seen.source, seen.text))
        print(f"{seconds:7.2f} s  {seen.source:6}  {seen.text}", flush=True)


class EndpointLog:
    """The log streams of an endpoint's containers, read on from where one was."""

    def __init__(self, session: boto3.Session, endpoint_name: str) -> None:
        self.group = f"/aws/sagemaker/Endpoints/{endpoint_name}"
        self._logs = session.client("logs")
        self._seen: set[str] = set()

    def new_lines(self) -> Iterator[Seen]:
        """Yield the lines that have come since the last call, in order of time."""
        try:
            pages = list(
                self._logs.get_paginator("filter_log_events").paginate(logGroupName=self.group)
            )
        except self._logs.exceptions.ResourceNotFoundException:
            return  # No container has said anything yet.
        for page in pages:
            for event in page["events"]:
                if event["eventId"] not in self._seen:
                    self._seen.add(event["eventId"])
                    yield Seen(event["timestamp"], "log", event["message"])


def log_lines(session: boto3.Session, endpoint_name: str) -> list[str]:
    """Return all that an endpoint's containers have logged, in order of time."""
    return [line.text for line in EndpointLog(session, endpoint_name).new_lines()]


def _start_ms(endpoint: dict[str, Any]) -> int:
    creating = endpoint["EndpointStatus"] == "Creating"
    moment = endpoint["CreationTime" if creating else "LastModifiedTime"]
    return int(moment.timestamp() * 1000)
