"""The check of chapter 1's bonus notebook 4: one training on a notebook instance, and one job."""

import re
from datetime import datetime

import boto3
from botocore.exceptions import ClientError

from maze_helpers import s3_urls
from maze_helpers.checks.check import Check, Missing
from maze_helpers.checks.jobs import completed_job

WEIGHTS = re.compile(r"\.(pth|pt|bin|safetensors|ckpt|tar\.gz)$")
# What bills nothing by the hour; Deleting is on its way there.
TURNED_OFF = ("Stopped", "Deleting")


def _look(session: boto3.Session, instance_name: str, model_url: str, job_name: str) -> str:
    instance = _turned_off(session, instance_name)
    weights = _weights(session, model_url, instance)
    job = completed_job(session, job_name)
    status = instance["NotebookInstanceStatus"] if instance else "deleted"
    return (
        f"{instance_name} is {status} and left {weights} in S3. {job_name} is Completed, and "
        f"SageMaker turned its machine off after {job['BillableTimeInSeconds']} billed seconds."
    )


def _turned_off(session: boto3.Session, name: str) -> dict | None:
    """Return the instance's description, None if it is deleted; raise Missing while it bills."""
    sagemaker = session.client("sagemaker")
    try:
        instance = sagemaker.describe_notebook_instance(NotebookInstanceName=name)
    except ClientError as error:
        if error.response["Error"]["Code"] != "ValidationException":
            raise
        if not _has_logged(session, name):
            raise Missing(
                f"There is no notebook instance {name}, and none of its name has written a log: "
                "has create_notebook_instance run?"
            ) from error
        return None
    status = instance["NotebookInstanceStatus"]
    if status == "Failed":
        raise Missing(f"{name} has failed: {instance.get('FailureReason', 'nobody says why')}")
    if status not in TURNED_OFF:
        raise Missing(
            f"{name} is {status}, so it bills: stop_notebook_instance stops it, and the waiter "
            "notebook_instance_stopped returns when it has."
        )
    return instance


def _has_logged(session: boto3.Session, name: str) -> bool:
    logs = session.client("logs")
    group = "/aws/sagemaker/NotebookInstances"
    try:
        found = logs.describe_log_streams(logGroupName=group, logStreamNamePrefix=f"{name}/")
    except logs.exceptions.ResourceNotFoundException:
        return False
    return bool(found["logStreams"])


def _weights(session: boto3.Session, url: str, instance: dict | None) -> str:
    """Return the URI of weights below a URI; raise Missing, if the instance left none."""
    bucket, prefix = s3_urls.split(url)
    if not url.startswith("s3://"):
        raise Missing(f"{url} is not where in S3 the instance left its model, s3://bucket/….")
    s3 = session.client("s3")
    try:
        pages = list(s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix))
    except s3.exceptions.NoSuchBucket as error:
        raise Missing(f"There is no bucket {bucket}.") from error
    found = [item for page in pages for item in page.get("Contents", [])]
    weights = [item for item in found if WEIGHTS.search(item["Key"])]
    if not weights:
        raise Missing(
            f"There are no weights, such as model.pth, below {url}: the instance's log, "
            "LifecycleConfigOnStart, says how far its script came."
        )
    if instance and all(item["LastModified"] < _second_of_birth(instance) for item in weights):
        raise Missing(f"The weights below {url} were there before the instance: whose are they?")
    return f"s3://{bucket}/{weights[0]['Key']}"


def _second_of_birth(instance: dict) -> datetime:
    """Return when the instance was created, in the whole seconds that S3 counts in."""
    return instance["CreationTime"].replace(microsecond=0)


notebook_instance = Check(
    "chapter 1, bonus 4",
    "A notebook instance has trained a model and is stopped; a job has trained one as well.",
    _look,
)
