"""How a transform job's document tells what happens to it: statuses and times."""

from datetime import datetime
from typing import Any

Document = dict[str, Any]

RUNNING = ("InProgress", "Stopping")


def begin(document: Document, now: datetime) -> None:
    """Make a new job's document InProgress."""
    document["CreationTime"] = now
    document["LastModifiedTime"] = now
    document["TransformJobStatus"] = "InProgress"


def start(document: Document, now: datetime) -> None:
    """Note that the job's instances work."""
    document["TransformStartTime"] = now
    document["LastModifiedTime"] = now


def begin_stop(document: Document, now: datetime) -> None:
    """Make a job that runs Stopping; one that already is stays as it is."""
    document["TransformJobStatus"] = "Stopping"
    document["LastModifiedTime"] = now


def end(document: Document, status: str, reason: str, now: datetime) -> None:
    """End a job. reason: why it failed, or ""."""
    document["TransformJobStatus"] = status
    document["LastModifiedTime"] = now
    document["TransformEndTime"] = now
    if reason:
        document["FailureReason"] = reason
