"""What checks ask about training jobs."""

import boto3
from botocore.exceptions import ClientError

from maze_helpers.checks.check import Missing


def completed_job(session: boto3.Session, job_name: str) -> dict:
    """Return the description of a training job; raise Missing, unless it is Completed."""
    sagemaker = session.client("sagemaker")
    try:
        job = sagemaker.describe_training_job(TrainingJobName=job_name)
    except ClientError as error:
        if error.response["Error"]["Code"] not in ("ValidationException", "ResourceNotFound"):
            raise
        raise Missing(f"There is no training job {job_name}: has fit() run?") from error
    status = job["TrainingJobStatus"]
    if status != "Completed":
        reason = (job.get("FailureReason") or job["SecondaryStatus"]).splitlines()[0]
        raise Missing(f"{job_name} is {status}, not Completed: {reason}")
    return job
