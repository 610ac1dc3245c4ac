"""How a transform job's document tells what happens to it: statuses and times."""

from datetime import datetime
from typing import Any, NamedTuple

from maze_helpers.local_cloud.engine.artifacts import MAX_REASON_CHARACTERS

Document = dict[str, Any]

RUNNING = ("InProgress", "Stopping")


class Ending(NamedTuple):
    """How a job ends. reason: why it failed. keeps_output: whether what is whole goes to S3."""

    status: str
    reason: str = ""
    keeps_output: bool = True


COMPLETED = Ending("Completed")
STOPPED = Ending("Stopped", keeps_output=False)


def failed(reason: str, keeps_output: bool = False) -> Ending:
    """Return the ending of a job that failed."""
    return Ending("Failed", reason[:MAX_REASON_CHARACTERS], keeps_output)


def ending_of(document: Document, ending: Ending) -> Ending:
    """Return how a job ends that came to an ending: one that is to stop is Stopped."""
    return STOPPED if document["TransformJobStatus"] == "Stopping" else ending


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


def end(document: Document, ending: Ending, now: datetime) -> None:
    """End a job."""
    document["TransformJobStatus"] = ending.status
    document["LastModifiedTime"] = now
    document["TransformEndTime"] = now
    if ending.reason:
        document["FailureReason"] = ending.reason
