"""What of the maze runs at this moment and bills while it does, read through the AWS API."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import boto3
from botocore.exceptions import ClientError

from maze_helpers.cost import usd_per_hour
from maze_helpers.gone import is_gone
from maze_helpers.job_kinds import JOB_KINDS, TRAINING, TRANSFORM, JobKind, describe_job
from maze_helpers.tags import is_tagged

# An endpoint's instances bill in each of these.
ENDPOINT_BILLS = ("InService", "Updating", "SystemUpdating", "RollingBack")


@dataclass(frozen=True)
class Running:
    """One thing that runs. since: ISO 8601. usd_per_hour: of all its instances; None if unknown."""

    kind: str
    name: str
    instance: str
    count: int
    since: str
    usd_per_hour: float | None


def running(session: boto3.Session) -> list[Running]:
    """Return what carries the maze's tag, runs and bills by the hour, oldest first.

    Serverless endpoints are left out: they bill their calls alone.
    """
    sagemaker = session.client("sagemaker")
    found = [*_endpoints(sagemaker), *_jobs(sagemaker), *_notebook_instances(sagemaker)]
    priced = (_priced(one, session.region_name) for one in found)
    return sorted(priced, key=lambda one: one.since)


@dataclass(frozen=True)
class _Found:
    kind: str
    use: str
    name: str
    instance: str
    count: int
    since: datetime


def _priced(found: _Found, region: str) -> Running:
    price = usd_per_hour(found.instance, found.use, region)
    return Running(
        found.kind,
        found.name,
        found.instance,
        found.count,
        found.since.isoformat(timespec="seconds"),
        None if price is None else round(price * found.count, 4),
    )


def _endpoints(sagemaker: Any) -> Iterator[_Found]:
    for page in sagemaker.get_paginator("list_endpoints").paginate():
        for summary in page["Endpoints"]:
            if summary["EndpointStatus"] in ENDPOINT_BILLS:
                if is_tagged(sagemaker, summary["EndpointArn"]):
                    yield from _variants(sagemaker, summary["EndpointName"])


def _variants(sagemaker: Any, name: str) -> Iterator[_Found]:
    try:
        endpoint = sagemaker.describe_endpoint(EndpointName=name)
        config = sagemaker.describe_endpoint_config(
            EndpointConfigName=endpoint["EndpointConfigName"]
        )
    except ClientError as error:
        if not is_gone(error):
            raise
        return  # Somebody deletes it at this moment.
    counts = {
        variant["VariantName"]: variant.get("CurrentInstanceCount")
        for variant in endpoint["ProductionVariants"]
    }
    for variant in config["ProductionVariants"]:
        if "ServerlessConfig" not in variant:
            count = counts.get(variant["VariantName"]) or variant["InitialInstanceCount"]
            instance = variant["InstanceType"]
            yield _Found("endpoint", "hosting", name, instance, count, endpoint["CreationTime"])


def _jobs(sagemaker: Any) -> Iterator[_Found]:
    for kind in JOB_KINDS:
        pages = sagemaker.get_paginator(f"list_{kind.method_part}s")
        for page in pages.paginate(StatusEquals="InProgress"):
            for summary in page[f"{kind.noun}Summaries"]:
                if is_tagged(sagemaker, summary[f"{kind.noun}Arn"]):
                    yield _job(kind, describe_job(sagemaker, kind, summary[kind.name_member]))


def _job(kind: JobKind, job: dict) -> _Found:
    if kind is TRAINING:
        use, resources = "training", job["ResourceConfig"]
    elif kind is TRANSFORM:
        use, resources = "transform", job["TransformResources"]
    else:
        use, resources = "processing", job["ProcessingResources"]["ClusterConfig"]
    instance = resources.get("InstanceType", "a heterogeneous cluster")
    count = resources.get("InstanceCount", 1)
    return _Found(kind.name, use, job[kind.name_member], instance, count, job["CreationTime"])


def _notebook_instances(sagemaker: Any) -> Iterator[_Found]:
    pages = sagemaker.get_paginator("list_notebook_instances")
    for page in pages.paginate(StatusEquals="InService"):
        for one in page["NotebookInstances"]:
            if is_tagged(sagemaker, one["NotebookInstanceArn"]):
                yield _Found(
                    "notebook instance",
                    "notebook",
                    one["NotebookInstanceName"],
                    one["InstanceType"],
                    1,
                    one["LastModifiedTime"],
                )
