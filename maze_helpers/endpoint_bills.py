"""What endpoints bill, read through the AWS API: those that are there, and those that were.

An endpoint with instances bills each of them from its creation to its deletion. One that is gone
is known by what outlives it: its tagged configuration, which the SDK names as the endpoint, and
its log group, whose last line is its end. It counts as its configuration says, whatever it was
updated to. A serverless endpoint bills the time that its requests took; CloudWatch keeps that.
Cold starts and the data that goes in and out are not counted.
"""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta, timezone
from typing import Any

import boto3
from botocore.exceptions import ClientError

from maze_helpers.gone import is_gone
from maze_helpers.tags import is_tagged

Row = dict[str, Any]
LOG_GROUPS = "/aws/sagemaker/Endpoints/"
UNKNOWN = "an unknown instance type"
_DAY_S = 86_400


def endpoint_rows(session: boto3.Session) -> Iterator[Row]:
    """Yield a row of the ledger for each variant of the maze's endpoints, with `created`."""
    sagemaker = session.client("sagemaker")
    endpoints = list(_pages(sagemaker, "list_endpoints", "Endpoints"))
    for summary in endpoints:
        if is_tagged(sagemaker, summary["EndpointArn"]):
            yield from _unless_gone(_living, session, summary["EndpointName"])
    names = {summary["EndpointName"] for summary in endpoints}
    for summary in _pages(sagemaker, "list_endpoint_configs", "EndpointConfigs"):
        name = summary["EndpointConfigName"]
        if name not in names and is_tagged(sagemaker, summary["EndpointConfigArn"]):
            yield from _unless_gone(_gone, session, name)


def _unless_gone(
    find: Callable[[boto3.Session, str], Iterator[Row]], session: boto3.Session, name: str
) -> list[Row]:
    """Return the rows that are found, or none where somebody deletes the endpoint meanwhile."""
    try:
        return list(find(session, name))
    except ClientError as error:
        if not is_gone(error):
            raise
        return []


def _pages(client: Any, operation: str, member: str, **request: Any) -> Iterator[dict]:
    for page in client.get_paginator(operation).paginate(**request):
        yield from page[member]


def _living(session: boto3.Session, name: str) -> Iterator[Row]:
    sagemaker = session.client("sagemaker")
    endpoint = sagemaker.describe_endpoint(EndpointName=name)
    # One that failed to come up has had no instances since.
    failed = endpoint["EndpointStatus"] == "Failed"
    end = endpoint["LastModifiedTime"] if failed else datetime.now(timezone.utc)
    counts = {
        variant["VariantName"]: variant.get("CurrentInstanceCount")
        for variant in endpoint.get("ProductionVariants", [])
    }
    config = endpoint["EndpointConfigName"]
    try:
        variants = sagemaker.describe_endpoint_config(EndpointConfigName=config)[
            "ProductionVariants"
        ]
    except ClientError as error:
        if not is_gone(error):
            raise
        variants = [
            {"VariantName": v, "InstanceType": UNKNOWN, "InitialInstanceCount": count or 1}
            for v, count in counts.items()
        ]
    for variant in variants:
        row = _row(session, name, variant, endpoint["CreationTime"], end)
        if "ServerlessConfig" not in variant:
            row["count"] = counts.get(variant["VariantName"]) or row["count"]
        yield row


def _gone(session: boto3.Session, name: str) -> Iterator[Row]:
    config = session.client("sagemaker").describe_endpoint_config(EndpointConfigName=name)
    lifetime = _lifetime(session, name, config["CreationTime"])
    if lifetime:
        for variant in config["ProductionVariants"]:
            yield _row(session, name, variant, *lifetime)


def _lifetime(
    session: boto3.Session, name: str, not_before: datetime
) -> tuple[datetime, datetime] | None:
    """Return when an endpoint's log began and ended, or None if there is none since then."""
    logs = session.client("logs")
    group = f"{LOG_GROUPS}{name}"
    groups = _pages(logs, "describe_log_groups", "logGroups", logGroupNamePrefix=group)
    created = [each["creationTime"] for each in groups if each["logGroupName"] == group]
    if not created:
        return None
    # An earlier endpoint may have had the name: the configuration is this one's own.
    start = max(_moment(created[0]), not_before)
    end = max(_last_lines(logs, group), default=not_before)
    return (start, end) if end > start else None


def _last_lines(logs: Any, group: str) -> Iterator[datetime]:
    """Yield when each of a group's newest streams ended."""
    streams = logs.describe_log_streams(
        logGroupName=group, orderBy="LastEventTime", descending=True
    )["logStreams"]
    for stream in streams:
        # What a stream says of its last event may be an hour old on AWS: the event itself is not.
        events = logs.get_log_events(
            logGroupName=group, logStreamName=stream["logStreamName"], limit=1, startFromHead=False
        )["events"]
        yield from (_moment(event["timestamp"]) for event in events)


def _row(session: boto3.Session, name: str, variant: dict, start: datetime, end: datetime) -> Row:
    if "ServerlessConfig" in variant:
        billed = {
            "use": "serverless",
            "instance": _serverless_instance(variant["ServerlessConfig"]),
            "count": 1,
            "billable_s": _compute_s(session, name, variant["VariantName"], start),
        }
    else:
        billed = {
            "use": "hosting",
            "instance": variant["InstanceType"],
            "count": variant["InitialInstanceCount"],
            "billable_s": round((end - start).total_seconds()),
        }
    return {"job": name, "created": start, **billed}


def _serverless_instance(config: dict) -> str:
    """Return what the price list calls it; it has no price for what is provisioned."""
    name = f"serverless-{config['MemorySizeInMB']}MB"
    return f"{name} provisioned" if config.get("ProvisionedConcurrency") else name


def _compute_s(session: boto3.Session, endpoint: str, variant: str, start: datetime) -> float:
    """Return how long a serverless variant's requests took together, in seconds."""
    dimensions = {"EndpointName": endpoint, "VariantName": variant}
    found = session.client("cloudwatch").get_metric_statistics(
        Namespace="AWS/SageMaker",
        MetricName="ModelLatency",
        Dimensions=[{"Name": key, "Value": value} for key, value in dimensions.items()],
        StartTime=start,
        EndTime=datetime.now(timezone.utc) + timedelta(minutes=1),
        Period=_DAY_S,
        Statistics=["Sum"],
    )
    return round(sum(point["Sum"] for point in found["Datapoints"]) / 1e6, 3)


def _moment(epoch_ms: int) -> datetime:
    return datetime.fromtimestamp(epoch_ms / 1000, tz=timezone.utc)
