"""Removing what the maze made: what carries its tag, and its objects in S3. Nothing else.

A finished training job stays: its record costs nothing, and the ledger is read from it. So do its
log streams: they are in a group that all training jobs of the account share.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import boto3
import pandas as pd
from botocore.exceptions import ClientError, WaiterError

from maze_helpers.tags import PREFIX, is_tagged

COLUMNS = ["kind", "name", "action"]
# How often to ask whether a job has stopped, and how many times: AWS gives it two minutes.
STOPPED = {"Delay": 5, "MaxAttempts": 60}


@dataclass(frozen=True)
class Leftover:
    """Something of the maze's that is still there: what to do about it, and how."""

    kind: str
    name: str
    action: str
    act: Callable[[], Any]


def _running_training_jobs(session: boto3.Session) -> Iterator[Leftover]:
    sagemaker = session.client("sagemaker")
    for job in _training_jobs(sagemaker, StatusEquals="InProgress"):
        name = job["TrainingJobName"]
        yield Leftover("training job", name, "stop", lambda name=name: _stop(sagemaker, name))


def _objects(session: boto3.Session) -> Iterator[Leftover]:
    s3 = session.client("s3")
    for bucket, prefix in _outermost(_prefixes(session)):
        keys = list(_keys(s3, bucket, prefix))
        if keys:
            yield Leftover(
                "objects",
                f"s3://{bucket}/{prefix}",
                f"delete {len(keys)}",
                lambda bucket=bucket, keys=keys: _delete(s3, bucket, keys),
            )


# What there is to remove, in the order to remove it: what writes before what is written.
KINDS: list[Callable[[boto3.Session], Iterator[Leftover]]] = [_running_training_jobs, _objects]


def find(session: boto3.Session) -> Iterator[Leftover]:
    """Yield what the maze left behind, in the order in which to remove it."""
    for kind in KINDS:
        yield from kind(session)


def clean(session: boto3.Session, dry_run: bool = True) -> pd.DataFrame:
    """Return what was removed, or with dry_run what would be: kind, name, action.

    Twice does no harm: the second time there is nothing left. Raises: botocore's WaiterError, if
    a job does not stop within five minutes.
    """
    rows = []
    for leftover in find(session):
        if not dry_run:
            leftover.act()
        rows.append((leftover.kind, leftover.name, leftover.action))
    return pd.DataFrame(rows, columns=COLUMNS)


def _training_jobs(sagemaker: Any, **which: str) -> Iterator[dict]:
    for page in sagemaker.get_paginator("list_training_jobs").paginate(**which):
        for job in page["TrainingJobSummaries"]:
            if is_tagged(sagemaker, job["TrainingJobArn"]):
                yield job


def _stop(sagemaker: Any, name: str) -> None:
    try:
        sagemaker.stop_training_job(TrainingJobName=name)
    except ClientError as error:
        # It may have ended since it was listed.
        if error.response["Error"]["Code"] != "ValidationException":
            raise
    waiter = sagemaker.get_waiter("training_job_completed_or_stopped")
    try:
        waiter.wait(TrainingJobName=name, WaiterConfig=STOPPED)
    except WaiterError as error:
        # A job that fails while it stops has ended all the same.
        if error.last_response.get("TrainingJobStatus") != "Failed":
            raise


def _prefixes(session: boto3.Session) -> Iterator[tuple[str, str]]:
    """Yield bucket and prefix of everything the maze wrote: its own prefix, and its jobs'."""
    account = session.client("sts").get_caller_identity()["Account"]
    yield f"sagemaker-{session.region_name}-{account}", f"{PREFIX}/"
    sagemaker = session.client("sagemaker")
    for summary in _training_jobs(sagemaker):
        name = summary["TrainingJobName"]
        job = sagemaker.describe_training_job(TrainingJobName=name)
        output = job["OutputDataConfig"]["S3OutputPath"].rstrip("/")
        source = job.get("HyperParameters", {}).get("sagemaker_submit_directory", "").strip('"')
        for url in (f"{output}/{name}/", source):
            # Only what lies in a folder of the job's own name is certain to be the job's alone.
            before, its_own, _ = url.partition(f"/{name}/")
            if its_own and before.startswith("s3://"):
                bucket, _, key = (before + its_own).removeprefix("s3://").partition("/")
                yield bucket, key


def _outermost(places: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """Return the places that do not lie within another one, sorted."""
    kept: list[tuple[str, str]] = []
    for bucket, prefix in sorted(set(places)):
        # What a place lies within sorts before it.
        if not any(bucket == b and prefix.startswith(p) for b, p in kept):
            kept.append((bucket, prefix))
    return kept


def _keys(s3: Any, bucket: str, prefix: str) -> Iterator[str]:
    try:
        for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
            yield from (item["Key"] for item in page.get("Contents", []))
    except s3.exceptions.NoSuchBucket:
        return


def _delete(s3: Any, bucket: str, keys: list[str]) -> None:
    for start in range(0, len(keys), 1000):
        batch = [{"Key": key} for key in keys[start : start + 1000]]
        answer = s3.delete_objects(Bucket=bucket, Delete={"Objects": batch, "Quiet": True})
        for error in answer.get("Errors", []):
            raise ClientError({"Error": error}, "DeleteObjects")
