"""How a training job's document tells what happens to it: statuses, transitions, times."""

import math
from datetime import datetime
from typing import Any

Document = dict[str, Any]

# Source: messages that jobs on AWS show; those of Stopped and MaxRuntimeExceeded are from
# memory of public logs, no document lists them. That of MaxWaitTimeExceeded is a guess.
MESSAGES = {
    "Starting": "Starting the training job",
    "Downloading": "Downloading input data",
    "Training": "Training image download completed. Training in progress.",
    "Uploading": "Uploading generated training model",
    "Completed": "Training job completed",
    "Failed": "Training job failed",
    "Stopping": "Stopping the training job",
    "Stopped": "Training job stopped",
    "MaxRuntimeExceeded": "Training job runtime exceeded MaxRuntimeInSeconds provided",
    "MaxWaitTimeExceeded": "Training job waiting time exceeded MaxWaitTimeInSeconds provided",
}


def begin(document: Document, now: datetime) -> None:
    """Make a new job's document InProgress, Starting."""
    document["CreationTime"] = now
    document["TrainingJobStatus"] = "InProgress"
    document["SecondaryStatusTransitions"] = []
    enter(document, "Starting", now)


def enter(document: Document, secondary_status: str, now: datetime) -> None:
    """Move a job on to a secondary status; the one before it ends now."""
    transitions = document["SecondaryStatusTransitions"]
    if transitions:
        transitions[-1]["EndTime"] = now
    transitions.append(
        {
            "Status": secondary_status,
            "StartTime": now,
            "StatusMessage": MESSAGES[secondary_status],
        }
    )
    document["SecondaryStatus"] = secondary_status
    document["LastModifiedTime"] = now


def begin_stop(document: Document, now: datetime) -> None:
    """Make a job that runs Stopping; one that already is stays as it is."""
    if document["TrainingJobStatus"] == "InProgress":
        document["TrainingJobStatus"] = "Stopping"
        enter(document, "Stopping", now)


def end(document: Document, status: str, secondary_status: str, now: datetime) -> None:
    """End a job, and count its seconds if it ever had an instance.

    Both counts are whole seconds, rounded up: AWS's model has 1 as their minimum.
    Differs from AWS: there, the billable time of a spot job is less, by what spot instances save.
    """
    document["TrainingJobStatus"] = status
    enter(document, secondary_status, now)
    document["SecondaryStatusTransitions"][-1]["EndTime"] = now
    document["TrainingEndTime"] = now
    if "TrainingStartTime" in document:
        seconds = (now - document["TrainingStartTime"]).total_seconds()
        document["TrainingTimeInSeconds"] = max(1, math.ceil(seconds))
        document["BillableTimeInSeconds"] = document["TrainingTimeInSeconds"]
