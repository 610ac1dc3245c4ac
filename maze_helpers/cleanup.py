"""Removing what the maze made: what carries its tag, and its objects in S3. Nothing else.

A finished job stays: its record costs nothing, and the ledger is read from it. So do its log
streams: they are in a group that all jobs of its kind in the account share. Of an endpoint
nothing stays, neither its configuration nor its models nor its log group, which is its alone: the
ledger forgets an endpoint that is cleaned up. So it does a notebook instance, whose volume and log
streams go with it; those of one that is gone already are known by its name alone.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import boto3
import pandas as pd
from botocore.exceptions import ClientError, WaiterError

from maze_helpers import s3_urls
from maze_helpers.endpoint_bills import LOG_GROUPS
from maze_helpers.gone import is_gone
from maze_helpers.job_kinds import (
    JOB_KINDS,
    PROCESSING,
    TRAINING,
    TRANSFORM,
    JobKind,
    describe_job,
    tagged_jobs,
)
from maze_helpers.notebook_bills import LOG_GROUP, log_streams, logged_names
from maze_helpers.notebook_bills import PREFIX as NOTEBOOK_PREFIX
from maze_helpers.notebook_instances import delete_notebook_instance
from maze_helpers.tags import PREFIX, is_tagged

COLUMNS = ["kind", "name", "action"]
# How often to ask whether a job has stopped, and how many times: AWS gives it two minutes.
STOPPED = {"Delay": 5, "MaxAttempts": 60}
# How the SDK ends the names that it makes up, such as "-2026-11-21-23-45-09-337".
_TIME = re.compile(r"-\d{4}(-\d\d){5}-\d{3}$")


@dataclass(frozen=True)
class Leftover:
    """Something of the maze's that is still there: what to do about it, and how."""

    kind: str
    name: str
    action: str
    act: Callable[[], Any]


def _running_jobs(session: boto3.Session) -> Iterator[Leftover]:
    sagemaker = session.client("sagemaker")
    for kind in JOB_KINDS:
        for name in tagged_jobs(sagemaker, kind, StatusEquals="InProgress"):
            yield Leftover(kind.name, name, "stop", partial(stop_job, sagemaker, kind, name))


def _endpoints(session: boto3.Session) -> Iterator[Leftover]:
    """Yield the maze's endpoints, each with its log group behind it."""
    sagemaker = session.client("sagemaker")
    for endpoint in _tagged(sagemaker, "list_endpoints", "Endpoints", "EndpointArn"):
        name = endpoint["EndpointName"]
        yield Leftover(
            "endpoint", name, "delete", lambda name=name: delete_endpoint(sagemaker, name)
        )
        yield from _log_group(session, name)


def _log_groups_of_the_gone(session: boto3.Session) -> Iterator[Leftover]:
    """Yield the log groups of endpoints that are deleted: their configurations have their names."""
    sagemaker = session.client("sagemaker")
    living = {e["EndpointName"] for e in _pages(sagemaker, "list_endpoints", "Endpoints")}
    for config in _configs(sagemaker):
        if config["EndpointConfigName"] not in living:
            yield from _log_group(session, config["EndpointConfigName"])


def _log_group(session: boto3.Session, endpoint: str) -> Iterator[Leftover]:
    logs = session.client("logs")
    name = f"{LOG_GROUPS}{endpoint}"
    groups = _pages(logs, "describe_log_groups", "logGroups", logGroupNamePrefix=name)
    if any(group["logGroupName"] == name for group in groups):
        yield Leftover(
            "log group", name, "delete", lambda: logs.delete_log_group(logGroupName=name)
        )


def _endpoint_configs(session: boto3.Session) -> Iterator[Leftover]:
    sagemaker = session.client("sagemaker")
    for config in _configs(sagemaker):
        request = {"EndpointConfigName": config["EndpointConfigName"]}
        yield Leftover(
            "endpoint configuration",
            config["EndpointConfigName"],
            "delete",
            lambda request=request: sagemaker.delete_endpoint_config(**request),
        )


def _models(session: boto3.Session) -> Iterator[Leftover]:
    sagemaker = session.client("sagemaker")
    for model in _tagged(sagemaker, "list_models", "Models", "ModelArn"):
        name = model["ModelName"]
        yield Leftover(
            "model", name, "delete", lambda name=name: sagemaker.delete_model(ModelName=name)
        )


def _notebook_instances(session: boto3.Session) -> Iterator[Leftover]:
    """Yield the maze's notebook instances, then their lifecycle configurations and logs."""
    sagemaker = session.client("sagemaker")
    kind = "notebook instance"
    names = logged_names(session, NOTEBOOK_PREFIX)
    for summary in _pages(sagemaker, "list_notebook_instances", "NotebookInstances"):
        name = summary["NotebookInstanceName"]
        if is_tagged(sagemaker, summary["NotebookInstanceArn"]):
            names.add(name)
            yield Leftover(kind, name, "delete", partial(delete_notebook_instance, sagemaker, name))
        else:
            names.discard(name)
    yield from _lifecycle_configs(sagemaker)
    for name in sorted(names):
        if streams := log_streams(session, f"{name}/"):
            stream = f"{LOG_GROUP}:{name}/"
            act = partial(_delete_streams, session, f"{name}/")
            yield Leftover("log streams", stream, f"delete {len(streams)}", act)


def _lifecycle_configs(sagemaker: Any) -> Iterator[Leftover]:
    noun = "NotebookInstanceLifecycleConfig"
    operation = "list_notebook_instance_lifecycle_configs"
    for config in _tagged(sagemaker, operation, f"{noun}s", f"{noun}Arn"):
        name = config[f"{noun}Name"]
        delete = sagemaker.delete_notebook_instance_lifecycle_config
        yield Leftover(
            "lifecycle configuration", name, "delete", partial(delete, **{f"{noun}Name": name})
        )


def _delete_streams(session: boto3.Session, prefix: str) -> None:
    logs = session.client("logs")
    for stream in log_streams(session, prefix):
        logs.delete_log_stream(logGroupName=LOG_GROUP, logStreamName=stream)


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


# What there is to remove, in the order to remove it: what writes before what is written, and what
# names something else behind it.
KINDS: list[Callable[[boto3.Session], Iterator[Leftover]]] = [
    _running_jobs,
    _endpoints,
    _log_groups_of_the_gone,
    _notebook_instances,
    _objects,
    _endpoint_configs,
    _models,
]


def find(session: boto3.Session) -> Iterator[Leftover]:
    """Yield what the maze left behind, in the order in which to remove it."""
    for kind in KINDS:
        yield from kind(session)


def clean(session: boto3.Session, dry_run: bool = True) -> pd.DataFrame:
    """Return what was removed, or with dry_run what would be: kind, name, action.

    Twice does no harm: the second time there is nothing left. Raises: botocore's WaiterError, if
    a job does not stop within five minutes, or an endpoint or a notebook instance is not gone
    within half an hour.
    """
    rows = []
    for leftover in find(session):
        if not dry_run:
            _act(leftover)
        rows.append((leftover.kind, leftover.name, leftover.action))
    return pd.DataFrame(rows, columns=COLUMNS)


def _act(leftover: Leftover) -> None:
    try:
        leftover.act()
    except ClientError as error:
        # It may have gone since it was listed.
        if not is_gone(error):
            raise


def _configs(sagemaker: Any) -> Iterator[dict]:
    return _tagged(sagemaker, "list_endpoint_configs", "EndpointConfigs", "EndpointConfigArn")


def _tagged(
    sagemaker: Any, operation: str, summaries: str, arn: str, **which: str
) -> Iterator[dict]:
    for summary in _pages(sagemaker, operation, summaries, **which):
        if is_tagged(sagemaker, summary[arn]):
            yield summary


def _pages(client: Any, operation: str, member: str, **request: str) -> Iterator[dict]:
    for page in client.get_paginator(operation).paginate(**request):
        yield from page[member]


def stop_job(sagemaker: Any, kind: JobKind, name: str) -> None:
    """Stop a job, and wait until it has ended.

    Raises: botocore's WaiterError, if that takes longer than five minutes.
    """
    named = {kind.name_member: name}
    try:
        getattr(sagemaker, f"stop_{kind.method_part}")(**named)
    except ClientError as error:
        # It may have ended since it was listed.
        if error.response["Error"]["Code"] != "ValidationException":
            raise
    waiter = sagemaker.get_waiter(f"{kind.method_part}_completed_or_stopped")
    try:
        waiter.wait(**named, WaiterConfig=STOPPED)
    except WaiterError as error:
        # A job that fails while it stops has ended all the same.
        if error.last_response.get(f"{kind.noun}Status") != "Failed":
            raise


def delete_endpoint(sagemaker: Any, name: str) -> None:
    """Delete an endpoint as soon as it may be, and wait until it is gone.

    Raises: botocore's WaiterError, if either takes longer than half an hour.
    """
    try:
        if _settled_status(sagemaker, name) != "Deleting":
            sagemaker.delete_endpoint(EndpointName=name)
    except ClientError as error:
        # It may have gone since it was listed.
        if not is_gone(error):
            raise
    sagemaker.get_waiter("endpoint_deleted").wait(EndpointName=name)


def _settled_status(sagemaker: Any, name: str) -> str:
    """Return an endpoint's status, once it is neither being created nor updated."""
    status = sagemaker.describe_endpoint(EndpointName=name)["EndpointStatus"]
    if status not in ("Creating", "Updating"):
        return status
    try:
        sagemaker.get_waiter("endpoint_in_service").wait(EndpointName=name)
    except WaiterError as error:
        # One that fails to come up can be deleted as well.
        if error.last_response.get("EndpointStatus") != "Failed":
            raise
        return "Failed"
    return "InService"


def _prefixes(session: boto3.Session) -> Iterator[tuple[str, str]]:
    """Yield bucket and prefix of everything the maze wrote: its own prefix, and its jobs'."""
    account = session.client("sts").get_caller_identity()["Account"]
    yield f"sagemaker-{session.region_name}-{account}", f"{PREFIX}/"
    sagemaker = session.client("sagemaker")
    for name, url in _written_by_jobs(sagemaker):
        # Only what lies in a folder of the job's own name is certain to be the job's alone.
        before, its_own, _ = url.partition(f"/{name}/")
        if its_own and before.startswith("s3://"):
            yield s3_urls.split(before + its_own)
    yield from _code_of_models(sagemaker)


def _written_by_jobs(sagemaker: Any) -> Iterator[tuple[str, str]]:
    """Yield the name of each of the maze's jobs with the URIs of its output and of its code."""
    for name in tagged_jobs(sagemaker, TRAINING):
        job = describe_job(sagemaker, TRAINING, name)
        yield name, f"{job['OutputDataConfig']['S3OutputPath'].rstrip('/')}/{name}/"
        source = job.get("HyperParameters", {}).get("sagemaker_submit_directory", "")
        yield name, source.strip('"')
    for name in tagged_jobs(sagemaker, TRANSFORM):
        job = describe_job(sagemaker, TRANSFORM, name)
        # The SDK's own choice is a folder named as the job.
        yield name, f"{job['TransformOutput']['S3OutputPath'].rstrip('/')}/"
    for name in tagged_jobs(sagemaker, PROCESSING):
        for uri in _uris_of_processing(describe_job(sagemaker, PROCESSING, name)):
            yield name, f"{uri.rstrip('/')}/"


def _uris_of_processing(job: dict) -> Iterator[str]:
    """Yield the URIs of a processing job's inputs, its code among them, and of its outputs."""
    for one in job.get("ProcessingInputs", []):
        yield one.get("S3Input", {}).get("S3Uri", "")
    for one in job.get("ProcessingOutputConfig", {}).get("Outputs", []):
        yield one.get("S3Output", {}).get("S3Uri", "")


def _code_of_models(sagemaker: Any) -> Iterator[tuple[str, str]]:
    """Yield where the SDK put the code of the maze's models.

    That is a folder named as the model, but for the time at the end.
    """
    for summary in _tagged(sagemaker, "list_models", "Models", "ModelArn"):
        name = summary["ModelName"]
        try:
            model = sagemaker.describe_model(ModelName=name)
        except ClientError as error:
            if not is_gone(error):
                raise
            continue
        environment = model.get("PrimaryContainer", {}).get("Environment", {})
        url = environment.get("SAGEMAKER_SUBMIT_DIRECTORY", "")
        folder, _, archive = url.rpartition("/")
        its_own = _TIME.sub("", folder.rpartition("/")[2]) == _TIME.sub("", name)
        if its_own and url.startswith("s3://") and archive == "sourcedir.tar.gz":
            yield s3_urls.split(url)


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
