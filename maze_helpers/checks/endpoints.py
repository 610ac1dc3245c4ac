"""What checks ask of every endpoint: that it is in service, and how often it was called."""

import math
import time
from datetime import datetime
from typing import Any

import boto3
from botocore.exceptions import ClientError

from maze_helpers.checks.check import Missing, StillRunning
from maze_helpers.local_cloud.startup.local_only import AWS_DOMAINS

# How far CloudWatch may be behind the calls.
BEHIND_ON_AWS_S, BEHIND_LOCALLY_S = 180.0, 5.0
PAUSE_S = 0.5
DAY_S = 86_400
# GetMetricStatistics gives no more at once.
MOST_PERIODS = 1440


def in_service(session: boto3.Session, endpoint_name: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the endpoint's description and its configuration's; raise Missing, if not ready."""
    sagemaker = session.client("sagemaker")
    try:
        endpoint = sagemaker.describe_endpoint(EndpointName=endpoint_name)
    except ClientError as error:
        if error.response["Error"]["Code"] != "ValidationException":
            raise
        raise Missing(
            f"There is no endpoint {endpoint_name}: has deploy() run, and is it not deleted yet?"
        ) from error
    require_status(endpoint_name, endpoint, endpoint["EndpointStatus"], "InService")
    config = sagemaker.describe_endpoint_config(EndpointConfigName=endpoint["EndpointConfigName"])
    return endpoint, config


def require_status(name: str, described: dict[str, Any], status: str, wanted: str) -> None:
    """Raise Missing, with the reason if the description holds one, unless the status is wanted."""
    if status != wanted:
        reason = f": {described['FailureReason']}" if described.get("FailureReason") else "."
        raise Missing(f"{name} is {status}, not {wanted}{reason}")


def require_up(name: str, described: dict[str, Any], script: int) -> None:
    """Raise Missing, unless an endpoint is InService; StillRunning, if it only takes time.

    script: the step that writes the serving script.
    """
    status = described["EndpointStatus"]
    if status == "Failed":
        reason = " ".join(described.get("FailureReason", "its log says why.").split())
        raise Missing(f"{name} is Failed: {reason}", script)
    if status != "InService":
        still = "still comes up" if status == "Creating" else f"is {status}"
        raise StillRunning(f"{name} {still}: check again when it is InService.")


def calls_counted(
    session: boto3.Session,
    metric: str,
    endpoint_name: str,
    variant: str,
    enough: int,
    since: datetime | None = None,
) -> float:
    """Return how many calls CloudWatch knows, once they are enough or all have come.

    metric: such as Invocations. since: from when on they count; a day ago, if None.
    """
    cloudwatch = session.client("cloudwatch")
    on_aws = cloudwatch.meta.endpoint_url.endswith(AWS_DOMAINS)
    deadline_s = time.monotonic() + (BEHIND_ON_AWS_S if on_aws else BEHIND_LOCALLY_S)
    while True:
        calls = metric_sum(cloudwatch, metric, endpoint_name, variant, since)
        if calls >= enough or time.monotonic() > deadline_s:
            return calls
        time.sleep(PAUSE_S)


def metric_sum(
    cloudwatch: Any,
    metric: str,
    endpoint_name: str,
    variant: str,
    since: datetime | None = None,
) -> float:
    """Return the sum of an endpoint's metric as CloudWatch knows it now.

    since: from when on, to the minute or the hour; a day ago, if None.
    """
    now_s = time.time()
    start_s = now_s - DAY_S if since is None else since.timestamp()
    # By the minute within a day, by the hour before; AWS keeps neither for ever.
    period_s = 60 if now_s - start_s < DAY_S else 3600
    start_s = max(start_s, now_s - period_s * (MOST_PERIODS - 10))
    answer = cloudwatch.get_metric_statistics(
        Namespace="AWS/SageMaker",
        MetricName=metric,
        Dimensions=[
            {"Name": "EndpointName", "Value": endpoint_name},
            {"Name": "VariantName", "Value": variant},
        ],
        StartTime=math.floor(start_s / period_s) * period_s,
        EndTime=now_s + 120,
        Period=period_s,
        Statistics=["Sum"],
    )
    return sum(point["Sum"] for point in answer["Datapoints"])
