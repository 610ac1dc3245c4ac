"""What checks ask about training jobs."""

import re
from typing import Any

import boto3
from botocore.exceptions import ClientError

from maze_helpers.checks.check import Missing, StillRunning

LOG_GROUP = "/aws/sagemaker/TrainingJobs"
RUNNING = ("InProgress", "Stopping")
# The last line of a traceback, but not the image's word on it.
_ERROR_LINE = re.compile(
    r"(?!AlgorithmError|ExecuteUserScriptError)[A-Za-z_][\w.]*(Error|Exception|Exit)\b"
)


def completed_job(session: boto3.Session, job_name: str) -> dict[str, Any]:
    """Return the description of a training job; raise Missing, unless it is Completed."""
    sagemaker = session.client("sagemaker")
    try:
        job = sagemaker.describe_training_job(TrainingJobName=job_name)
    except ClientError as error:
        if error.response["Error"]["Code"] not in ("ValidationException", "ResourceNotFound"):
            raise
        raise Missing(f"There is no training job {job_name}: has fit() run?") from error
    require_completed(session, job)
    return job


def require_completed(session: boto3.Session, job: dict[str, Any]) -> None:
    """Raise Missing or StillRunning, with the reason, unless a described job is Completed."""
    name, status = job["TrainingJobName"], job["TrainingJobStatus"]
    if status in RUNNING:
        raise StillRunning(f"{name} is still running ({job['SecondaryStatus']}): wait for its end.")
    if status != "Completed":
        raise Missing(f"{name} is {status}, not Completed: {_reason(session, job)}")


def script_failed(job: dict[str, Any]) -> bool:
    """Return whether the job failed by what it ran, rather than by what it was given."""
    return job.get("FailureReason", "").startswith("AlgorithmError")


def _reason(session: boto3.Session, job: dict[str, Any]) -> str:
    """Return why a job failed: the error that its script ended with, else what SageMaker says."""
    if job["TrainingJobStatus"] == "Stopped":
        return "it was stopped before its script had ended, so start another one."
    lines = (job.get("FailureReason") or job["SecondaryStatus"]).splitlines()
    # The image gives the kind of error a line of its own, and the exit code the next one.
    said = " ".join(lines[:2]) if lines[0].endswith(":") else lines[0]
    error = last_error(session, job["TrainingJobName"]) if script_failed(job) else None
    return error or said


def last_error(session: boto3.Session, job_name: str) -> str | None:
    """Return the last line of the last traceback in a training job's log; None without one."""
    errors = [line for line in log_lines(session, job_name) if _ERROR_LINE.match(line)]
    return errors[-1] if errors else None


def log_lines(session: boto3.Session, job_name: str) -> list[str]:
    """Return what a training job has logged, in order; nothing, if it has no log yet."""
    logs = session.client("logs")
    pages = logs.get_paginator("filter_log_events").paginate(
        logGroupName=LOG_GROUP, logStreamNamePrefix=f"{job_name}/"
    )
    try:
        return [event["message"] for page in pages for event in page["events"]]
    except logs.exceptions.ResourceNotFoundException:
        return []
