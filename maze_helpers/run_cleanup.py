"""Ending what a run of notebooks left running: its endpoints, which bill until they are deleted."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from maze_helpers.local_cloud import server
from maze_helpers.local_cloud.errors import MazeError
from maze_helpers.local_cloud.home import find_home
from maze_helpers.tags import RUN_KEY, RUN_VARIABLE

# How often to ask whether an endpoint may be deleted by now, or is gone, and how many times.
WAIT = {"Delay": 5, "MaxAttempts": 120}


@contextmanager
def tagging(run: str) -> Iterator[None]:
    """Have all that notebooks make meanwhile, by `tags=TAGS`, carry the run's name as well."""
    os.environ[RUN_VARIABLE] = run
    try:
        yield
    finally:
        del os.environ[RUN_VARIABLE]


def delete_endpoints(run: str, mode: str | None) -> list[str]:
    """Return the names of the run's endpoints that were still there; they are deleted now.

    mode: "local", "aws" or None, as for `connect`. Raises: MazeError, if that cannot be done.
    """
    if (mode or os.environ.get("MAZE_MODE") or "local") == "local" and not _is_up():
        return []
    # Late: boto3 takes a while to import.
    from botocore.exceptions import BotoCoreError, ClientError

    from maze_helpers.session import connect

    try:
        sagemaker = connect(mode).boto_session.client("sagemaker")
    except MazeError:
        return []  # Who cannot connect has made nothing.
    try:
        names = [name for name, arn in _endpoints(sagemaker) if _belongs_to(sagemaker, arn, run)]
        for name in names:
            _delete(sagemaker, name)
    except (BotoCoreError, ClientError) as error:
        raise MazeError(
            f"The endpoints that the notebook left could not be deleted ({error}): run "
            "`maze clean` to see and remove them."
        ) from error
    return names


def _is_up() -> bool:
    return server.info(find_home()) is not None


def _endpoints(sagemaker: Any) -> list[tuple[str, str]]:
    pages = sagemaker.get_paginator("list_endpoints").paginate()
    return [
        (endpoint["EndpointName"], endpoint["EndpointArn"])
        for page in pages
        for endpoint in page["Endpoints"]
    ]


def _belongs_to(sagemaker: Any, arn: str, run: str) -> bool:
    tags = sagemaker.list_tags(ResourceArn=arn)["Tags"]
    return {"Key": RUN_KEY, "Value": run} in tags


def _delete(sagemaker: Any, name: str) -> None:
    from botocore.exceptions import ClientError, WaiterError

    try:
        sagemaker.delete_endpoint(EndpointName=name)
    except ClientError as error:
        if "in-progress" not in str(error):
            raise
        try:
            sagemaker.get_waiter("endpoint_in_service").wait(EndpointName=name, WaiterConfig=WAIT)
        except WaiterError as failed:
            # One that fails to come up can be deleted as well.
            if failed.last_response.get("EndpointStatus") != "Failed":
                raise
        sagemaker.delete_endpoint(EndpointName=name)
    sagemaker.get_waiter("endpoint_deleted").wait(EndpointName=name, WaiterConfig=WAIT)
