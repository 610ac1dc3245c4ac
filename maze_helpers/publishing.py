"""Publishing one's progress for a facilitator's board: a file a pair, only when somebody asks.

It holds what `maze progress` shows, what runs and what that costs. It holds no notes, no
answers' texts, no account, no credentials and no path of the machine.
"""

import json
import os
import re
import tempfile
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from maze_helpers import cost
from maze_helpers.local_cloud.errors import MazeError
from maze_helpers.progress import Progress, TaskProgress, now
from maze_helpers.running import Running, running
from maze_helpers.tasks import TASKS

SUFFIX = ".maze.json"
NAME = re.compile(r"[\w][\w .-]{0,39}")


class PublishingError(MazeError):
    """Nothing was published or read: one sentence that says why, and what to do."""


@dataclass(frozen=True)
class PublishedTask:
    """What is published of one task: the marks of a progress.TaskProgress, no texts."""

    verdict: str
    step: int | None
    checks: int
    first_check_at: str | None
    done_at: str | None
    caught_up_at: str | None
    hints: int
    answers: int


@dataclass(frozen=True)
class Published:
    """What a pair has published. Times are ISO 8601, in UTC; usd: what has run so far."""

    name: str
    published_at: str
    started_at: str
    tasks: dict[str, PublishedTask]
    running: list[Running]
    usd: float
    mode: str


def publication(known: Progress, name: str, mode: str, session: boto3.Session) -> Published:
    """Return what there is to publish. name: the pair's, as they want to be called.

    Raises: PublishingError, if the name cannot be a file's.
    """
    if not NAME.fullmatch(name):
        raise PublishingError(
            f"{name!r} cannot be the name of a file: take letters, digits, spaces and hyphens."
        )
    tasks = {task.name: _marks(known.of(task.name)) for task in TASKS}
    try:
        there, usd = running(session), cost.total_usd(cost.ledger(session))
    except (BotoCoreError, ClientError) as error:
        raise PublishingError(f"What runs could not be read: {error}.") from error
    return Published(name, now(), known.started_at, tasks, there, round(usd, 4), mode)


def _marks(one: TaskProgress) -> PublishedTask:
    return PublishedTask(
        one.verdict,
        one.step,
        one.checks,
        one.first_check_at,
        one.done_at,
        one.caught_up_at,
        hints=sum(one.hints.values()),
        answers=len(one.answers),
    )


def publish(what: Published, place: str, session: boto3.Session) -> str:
    """Write it to a folder, or below s3://bucket/prefix; return where it is now.

    Raises: PublishingError, if that cannot be written to.
    """
    text = json.dumps(asdict(what), indent=2) + "\n"
    name = f"{what.name.replace(' ', '-')}{SUFFIX}"
    if place.startswith("s3://"):
        return _put(session, place, name, text)
    return str(_write(Path(place).expanduser(), name, text))


def _put(session: boto3.Session, place: str, name: str, text: str) -> str:
    bucket, prefix = split(place)
    key = f"{prefix}{name}"
    try:
        session.client("s3").put_object(
            Bucket=bucket, Key=key, Body=text.encode(), ContentType="application/json"
        )
    except (BotoCoreError, ClientError) as error:
        raise PublishingError(f"{place} cannot be written to: {error}.") from error
    return f"s3://{bucket}/{key}"


def split(place: str) -> tuple[str, str]:
    """Return the bucket and the prefix of s3://bucket/prefix, the prefix ending in a slash."""
    bucket, _, prefix = place.removeprefix("s3://").partition("/")
    if not bucket:
        raise PublishingError(f"{place} names no bucket: write s3://bucket/prefix.")
    return bucket, prefix if not prefix or prefix.endswith("/") else f"{prefix}/"


def _write(folder: Path, name: str, text: str) -> Path:
    if not folder.is_dir():
        raise PublishingError(f"There is no folder {folder}: ask your facilitator for its name.")
    try:
        # Others read the folder: the file is whole at once, and theirs to read.
        handle, partial = tempfile.mkstemp(dir=folder, prefix=f".{name}.")
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        os.chmod(partial, 0o644)
        os.replace(partial, folder / name)
    except OSError as error:
        raise PublishingError(f"{folder} cannot be written to: {error.strerror}.") from error
    return folder / name


def published(text: str) -> Published:
    """Return what a published file says; raise ValueError, if it is none of ours."""
    try:
        known: dict[str, Any] = json.loads(text)
        tasks = {name: PublishedTask(**task) for name, task in known.pop("tasks").items()}
        there = [Running(**one) for one in known.pop("running")]
        found = Published(**known, tasks=tasks, running=there)
        _check_kinds(found)
    except (TypeError, KeyError, AttributeError) as error:
        raise ValueError(f"it is no published progress ({error})") from error
    return found


def _check_kinds(found: Published) -> None:
    """Raise TypeError or ValueError, unless what the board computes with is what it should be."""
    times = [found.published_at, found.started_at, *(one.since for one in found.running)]
    numbers: list[object] = [found.usd]
    for task in found.tasks.values():
        times += [at for at in (task.first_check_at, task.done_at, task.caught_up_at) if at]
        numbers += [task.hints, task.answers, task.checks]
    numbers += [one.usd_per_hour for one in found.running if one.usd_per_hour is not None]
    if not all(isinstance(one, int | float) for one in numbers):
        raise TypeError("a number is none")
    if any(datetime.fromisoformat(one).tzinfo is None for one in times):
        raise ValueError("a time has no zone")
