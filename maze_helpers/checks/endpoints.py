"""What checks ask of every endpoint: that it is there, and in service."""

from typing import Any

import boto3
from botocore.exceptions import ClientError

from maze_helpers.checks.check import Missing


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
