"""What checks ask of every endpoint: that it is in service, and how often it was called."""

import time
from typing import Any

import boto3
from botocore.exceptions import ClientError

from maze_helpers.checks.check import Missing
from maze_helpers.local_cloud.startup.local_only import AWS_DOMAINS

# How far CloudWatch may be behind the calls.
BEHIND_ON_AWS_S, BEHIND_LOCALLY_S = 180.0, 5.0
PAUSE_S = 0.5


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


def calls_counted(
    session: boto3.Session, metric: str, endpoint_name: str, variant: str, enough: int
) -> float:
    """Return how many calls CloudWatch knows, once they are enough or all have come.

    metric: such as Invocations, of which the last day's sum is taken.
    """
    cloudwatch = session.client("cloudwatch")
    on_aws = cloudwatch.meta.endpoint_url.endswith(AWS_DOMAINS)
    deadline_s = time.monotonic() + (BEHIND_ON_AWS_S if on_aws else BEHIND_LOCALLY_S)
    while True:
        calls = _sum_of_a_day(cloudwatch, metric, endpoint_name, variant)
        if calls >= enough or time.monotonic() > deadline_s:
            return calls
        time.sleep(PAUSE_S)


def _sum_of_a_day(cloudwatch: Any, metric: str, endpoint_name: str, variant: str) -> float:
    now_s = time.time()
    answer = cloudwatch.get_metric_statistics(
        Namespace="AWS/SageMaker",
        MetricName=metric,
        Dimensions=[
            {"Name": "EndpointName", "Value": endpoint_name},
            {"Name": "VariantName", "Value": variant},
        ],
        StartTime=now_s - 86_400,
        EndTime=now_s + 120,
        Period=3600,
        Statistics=["Sum"],
    )
    return sum(point["Sum"] for point in answer["Datapoints"])
