"""Ending what a run of notebooks left running, and what bills.

That is its endpoints, its jobs and its notebook instances.
"""

import os
from collections.abc import Iterable, Iterator
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


def end_leftovers(run: str, mode: str | None) -> list[str]:
    """End what the run left running; return a sentence on each.

    mode: "local", "aws" or None, as for `connect`. Raises: MazeError, if that cannot be done.
    """
    if (mode or os.environ.get("MAZE_MODE") or "local") == "local" and not _is_up():
        return []
    with _environment_kept():
        return _end_leftovers(run, mode)


def _end_leftovers(run: str, mode: str | None) -> list[str]:
    # Late: boto3 takes a while to import.
    from botocore.exceptions import BotoCoreError, ClientError

    from maze_helpers.cleanup import delete_endpoint, stop_job
    from maze_helpers.job_kinds import PROCESSING, TRANSFORM
    from maze_helpers.notebook_instances import delete_notebook_instance
    from maze_helpers.session import connect

    try:
        sagemaker = connect(mode).boto_session.client("sagemaker")
    except MazeError:
        return []  # Who cannot connect has made nothing.
    try:
        jobs = [
            (kind, name) for kind in (TRANSFORM, PROCESSING) for name in _jobs(sagemaker, run, kind)
        ]
        for kind, name in jobs:
            stop_job(sagemaker, kind, name)
        there = sagemaker.get_paginator("list_endpoints").paginate()
        endpoints = _of_run(sagemaker, run, there, "Endpoints", "Endpoint")
        for name in endpoints:
            delete_endpoint(sagemaker, name)
        there = sagemaker.get_paginator("list_notebook_instances").paginate()
        instances = _of_run(sagemaker, run, there, "NotebookInstances", "NotebookInstance")
        for name in instances:
            delete_notebook_instance(sagemaker, name)
    except (BotoCoreError, ClientError) as error:
        raise MazeError(
            f"What the notebook left running could not be ended ({error}): run `maze clean` to "
            "see and remove it."
        ) from error
    return [
        *(f"The {kind.name} {name} was still running: it is stopped now." for kind, name in jobs),
        *(f"The endpoint {name} was still there: it is deleted now." for name in endpoints),
        *(
            f"The notebook instance {name} was still there: it is deleted now."
            for name in instances
        ),
    ]


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


def _jobs(sagemaker: Any, run: str, kind: "JobKind") -> list[str]:  # noqa: F821
    """Return the names of the run's jobs of a kind that still run."""
    pages = sagemaker.get_paginator(f"list_{kind.method_part}s").paginate(StatusEquals="InProgress")
    return _of_run(sagemaker, run, pages, f"{kind.noun}Summaries", kind.noun)


def _of_run(
    sagemaker: Any, run: str, pages: Iterable[dict], summaries: str, noun: str
) -> list[str]:
    """Return the names of what is listed and carries the run's tag."""
    return [
        found[f"{noun}Name"]
        for page in pages
        for found in page[summaries]
        if _belongs_to(sagemaker, found[f"{noun}Arn"], run)
    ]


def _belongs_to(sagemaker: Any, arn: str, run: str) -> bool:
    return is_tagged(sagemaker, arn, {"Key": RUN_KEY, "Value": run})
