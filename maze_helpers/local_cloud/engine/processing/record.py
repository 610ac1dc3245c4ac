"""How a processing job's document tells what happens to it: statuses and times."""

from datetime import datetime
from typing import Any, NamedTuple

from maze_helpers.local_cloud.engine.artifacts import MAX_REASON_CHARACTERS

Document = dict[str, Any]

RUNNING = ("InProgress", "Stopping")


class Ending(NamedTuple):
    """How a job ends. reason: why it failed. message: its ExitMessage, "" for none."""

    status: str
    reason: str = ""
    message: str = ""


COMPLETED = Ending("Completed")
STOPPED = Ending("Stopped")


def failed(reason: str) -> Ending:
    """Return the ending of a job that failed."""
    return Ending("Failed", reason[:MAX_REASON_CHARACTERS])


def begin(document: Document, now: datetime) -> None:
    """Make a new job's document InProgress."""
    document["CreationTime"] = now
    document["LastModifiedTime"] = now
    document["ProcessingJobStatus"] = "InProgress"


def start(document: Document, now: datetime) -> None:
    """Note that the job's instances are at work."""
    document["ProcessingStartTime"] = now
    document["LastModifiedTime"] = now


def begin_stop(document: Document, now: datetime) -> None:
    """Make a job that runs Stopping; one that already is stays as it is."""
    if document["ProcessingJobStatus"] == "InProgress":
        document["ProcessingJobStatus"] = "Stopping"
        document["LastModifiedTime"] = now


def end(document: Document, ending: Ending, now: datetime) -> None:
    """End a job; one that was to stop, and would have completed, is Stopped."""
    stopping = document["ProcessingJobStatus"] == "Stopping"
    document["ProcessingJobStatus"] = (
        "Stopped" if stopping and ending.status == "Completed" else ending.status
    )
    document["LastModifiedTime"] = now
    document["ProcessingEndTime"] = now
    if ending.reason:
        document["FailureReason"] = ending.reason
    if ending.message:
        document["ExitMessage"] = ending.message
