"""Ending what a run of notebooks left running: its endpoints, which bill until they are deleted."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from maze_helpers.local_cloud import server
from maze_helpers.local_cloud.errors import MazeError
from maze_helpers.local_cloud.home import find_home
from maze_helpers.tags import RUN_KEY, RUN_VARIABLE, is_tagged


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
    with _environment_kept():
        return _delete_endpoints(run, mode)


def _delete_endpoints(run: str, mode: str | None) -> list[str]:
    # Late: boto3 takes a while to import.
    from botocore.exceptions import BotoCoreError, ClientError

    from maze_helpers.cleanup import delete_endpoint
    from maze_helpers.session import connect

    try:
        sagemaker = connect(mode).boto_session.client("sagemaker")
    except MazeError:
        return []  # Who cannot connect has made nothing.
    try:
        names = [name for name, arn in _endpoints(sagemaker) if _belongs_to(sagemaker, arn, run)]
        for name in names:
            delete_endpoint(sagemaker, name)
    except (BotoCoreError, ClientError) as error:
        raise MazeError(
            f"The endpoints that the notebook left could not be deleted ({error}): run "
            "`maze clean` to see and remove them."
        ) from error
    return names


@contextmanager
def _environment_kept() -> Iterator[None]:
    """Undo what `connect` does to this process's environment: its caller has not asked for it."""
    before = dict(os.environ)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


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
    return is_tagged(sagemaker, arn, {"Key": RUN_KEY, "Value": run})
