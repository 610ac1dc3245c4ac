"""The facilitator's board: a static page of the room, made of what pairs have published.

There is no server behind it and no database: whoever may read the folder makes the page.
"""

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from maze_helpers.progress import first_of
from maze_helpers.publishing import (
    MOST_LETTERS,
    SUFFIX,
    Published,
    PublishedTask,
    PublishingError,
    published,
    split,
)
from maze_helpers.running import Running
from maze_helpers.tasks import TASKS

TEMPLATE = "board_page.html"
# A task has 20 minutes, and 10 more to talk over.
SLOW_MINUTES, STUCK_MINUTES = 20, 30
# Who has not published for as long may have closed the laptop.
SILENT_MINUTES = 15
# What is larger is none of ours, and not read.
MOST_BYTES = 1_000_000
THROUGH = "through"
_TITLES = [f"{number} {task.title}" for number, task in enumerate(TASKS, 1)]


@dataclass(frozen=True)
class Unread:
    """A file that was not read, and why."""

    why: str


@dataclass(frozen=True)
class Tile:
    """A task of a pair. state: done, caught-up, here or ahead. text: what is written in it."""

    state: str
    text: str
    title: str


@dataclass(frozen=True)
class Row:
    """A pair on the board.

    minutes: on the task they are at, from when somebody in the room has begun it; before that,
    since their last was done. None where all are done. pace: fine, slow or stuck; fine, while
    nobody has begun it.
    """

    name: str
    tiles: tuple[Tile, ...]
    where: str
    minutes: float | None
    pace: str
    silent_minutes: float
    hints: int
    answers: int
    running: tuple[Running, ...]
    usd: float

    @property
    def is_silent(self) -> bool:
        """Whether nothing was published for long."""
        return self.silent_minutes > SILENT_MINUTES

    @property
    def usd_per_hour(self) -> float:
        """What runs now costs an hour, where its price is known."""
        return sum(one.usd_per_hour or 0 for one in self.running)


@dataclass(frozen=True)
class Board:
    """The page: the pairs, who needs help first, and what could not be read, with the reason."""

    at: datetime
    rows: tuple[Row, ...]
    unread: tuple[str, ...]

    @property
    def counts(self) -> list[tuple[str, int]]:
        """How many pairs are at each task, and how many are through, by title."""
        where = [row.where for row in self.rows]
        return [(name, where.count(name)) for name in (*_TITLES, THROUGH)]

    @property
    def usd_per_hour(self) -> float:
        """What runs in the room costs an hour."""
        return sum(row.usd_per_hour for row in self.rows)

    @property
    def usd(self) -> float:
        """What the room has run so far."""
        return sum(row.usd for row in self.rows)

    @property
    def html(self) -> str:
        """The page, which needs no other file."""
        # Late: only the page needs it.
        from jinja2 import Environment, PackageLoader

        environment = Environment(
            loader=PackageLoader("maze_helpers", "."), autoescape=True, trim_blocks=True
        )
        return environment.get_template(TEMPLATE).render(board=self, tasks=TASKS)


def board(files: Sequence[tuple[str, bytes | Unread]], at: datetime | None = None) -> Board:
    """Return the board of published files, each with its name, as it is at a time; now, if None.

    A file that is none of ours is named among the unread ones. Of two with one name of a pair,
    the newer counts.
    """
    at = at or datetime.now(timezone.utc)
    newest: dict[str, Published] = {}
    unread = []
    for name, body in files:
        if isinstance(body, Unread):
            unread.append(f"{name}: {body.why}")
            continue
        try:
            found = published(body.decode())
        except ValueError as error:
            unread.append(f"{name}: {str(error).splitlines()[0][:MOST_LETTERS]}")
            continue
        known = newest.get(found.name)
        if known is None or _time(found.published_at) > _time(known.published_at):
            newest[found.name] = found
    begun = _begun(newest.values())
    rows = sorted((_row(found, begun, at) for found in newest.values()), key=_by_need)
    return Board(at, tuple(rows), tuple(unread))


def _by_need(row: Row) -> tuple:
    """Sort who has been longest at a task to the top, and who is through to the end."""
    return (row.minutes is None, -(row.minutes or 0), row.name)


def _begun(room: Iterable[Published]) -> list[datetime | None]:
    """Return when each task was first seen begun by anyone, None where it was not.

    The room's talk and its breaks come before, and are nobody's slowness.
    """
    pairs = [[found.tasks.get(task.name) for task in TASKS] for found in room]
    times = [
        [first_of(task.first_check_at, task.ended_at) for task in tasks if task]
        for tasks in zip(*pairs, strict=True)
    ]
    return [min(map(_time, filter(None, of_task)), default=None) for of_task in times]


def _row(found: Published, begun: Sequence[datetime | None], at: datetime) -> Row:
    tasks = [found.tasks.get(task.name) for task in TASKS]
    ends = [task.ended_at if task else None for task in tasks]
    here = ends.index(None) if None in ends else None
    minutes, has_begun = None, False
    if here is not None:
        has_begun = begun[here] is not None
        own = [_time(when) for when in (found.started_at, *ends) if when]
        began = max([*own, *filter(None, [begun[here]])])
        minutes = max((at - began) / timedelta(minutes=1), 0)
    return Row(
        found.name,
        tuple(_tile(task, n == here) for n, task in enumerate(tasks)),
        THROUGH if here is None else _TITLES[here],
        minutes,
        _pace(minutes if has_begun else None),
        max((at - _time(found.published_at)) / timedelta(minutes=1), 0),
        sum(task.hints for task in tasks if task),
        sum(task.answers for task in tasks if task),
        tuple(found.running),
        found.usd,
    )


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _pace(minutes: float | None) -> str:
    if minutes is None or minutes <= SLOW_MINUTES:
        return "fine"
    return "slow" if minutes <= STUCK_MINUTES else "stuck"


def _tile(task: PublishedTask | None, is_here: bool) -> Tile:
    if task is None:
        return Tile("here" if is_here else "ahead", "", "not begun")
    used = ", ".join(
        f"{count} {word}{'' if count == 1 else 's'}"
        for count, word in ((task.checks, "check"), (task.hints, "hint"), (task.answers, "answer"))
    )
    if task.done_at:
        return Tile("done", "✓", f"{task.verdict}; {used}")
    if task.caught_up_at:
        return Tile("caught-up", "»", f"caught up by a checkpoint; {used}")
    step = f"step {task.step}" if task.step else ""
    return Tile("here" if is_here else "ahead", step, f"{task.verdict}; {used}")


def gather(place: str, session: boto3.Session | None = None) -> list[tuple[str, bytes | Unread]]:
    """Return the published files in a folder, or below s3://bucket/prefix, by name.

    session: for S3. Raises: PublishingError, if the place cannot be read.
    """
    if place.startswith("s3://"):
        return list(_objects(session or boto3.Session(), place))
    folder = Path(os.path.expanduser(place))
    if not folder.is_dir():
        raise PublishingError(f"There is no folder {folder}: name the one pairs publish to.")
    try:
        paths = sorted(path for path in folder.iterdir() if path.name.endswith(SUFFIX))
        return [(path.name, _read(path)) for path in paths if path.is_symlink() or path.is_file()]
    except OSError as error:
        raise PublishingError(f"{folder} cannot be read: {error.strerror}.") from error


def _read(path: Path) -> bytes | Unread:
    if path.is_symlink():
        # Whoever may write here could have a file of the facilitator's read.
        return Unread("it is a link")
    try:
        with path.open("rb") as file:
            return file.read(MOST_BYTES)
    except OSError as error:
        return Unread(f"it cannot be opened: {error.strerror}")


def _objects(session: boto3.Session, place: str) -> Iterator[tuple[str, bytes | Unread]]:
    bucket, prefix = split(place)
    s3 = session.client("s3")
    try:
        for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
            for one in page.get("Contents", []):
                if one["Key"].endswith(SUFFIX):
                    yield one["Key"].removeprefix(prefix), _read_object(s3, bucket, one["Key"])
    except (BotoCoreError, ClientError) as error:
        raise PublishingError(f"{place} cannot be read: {error}.") from error


def _read_object(s3: Any, bucket: str, key: str) -> bytes | Unread:
    try:
        return s3.get_object(Bucket=bucket, Key=key)["Body"].read(MOST_BYTES)
    except ClientError as error:
        # One that is gone by now, or is kept from us, keeps no other from the board.
        return Unread(f"it cannot be opened: {error.response['Error']['Code']}")
