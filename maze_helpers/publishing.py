"""Publishing one's progress for a facilitator's board: a file a pair, only when somebody asks.

It holds what `maze progress` shows, what runs and what that costs. It holds no notes, no
answers' texts, no account, no credentials and no path of the machine.
"""

import json
import os
import re
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from types import NoneType
from typing import Any, get_args, get_type_hints

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from maze_helpers import cost, s3_urls
from maze_helpers.local_cloud.errors import MazeError
from maze_helpers.local_cloud.home import write_whole
from maze_helpers.progress import Progress, TaskProgress, first_of, now
from maze_helpers.running import Running, running
from maze_helpers.tasks import TASKS

SUFFIX = ".maze.json"
MOST_NAME = 40
NAME = re.compile(rf"[\w][\w .-]{{0,{MOST_NAME - 1}}}")
# More than what we publish ever has: a board shows others' files, whoever wrote them.
MOST_LETTERS, MOST = 300, 10**9
TIMES = ("published_at", "started_at", "since", "first_check_at", "done_at", "caught_up_at")


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

    @property
    def ended_at(self) -> str | None:
        """When the task was done or caught up with, whichever was first; None before."""
        return first_of(self.done_at, self.caught_up_at)


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
            f"{name!r} cannot be the name of a file: take up to {MOST_NAME} letters, digits, "
            "spaces and hyphens."
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

    Raises: PublishingError, if that cannot be written to, or another pair has taken the name.
    """
    text = json.dumps(asdict(what), indent=2) + "\n"
    name = f"{what.name.replace(' ', '-')}{SUFFIX}"
    if place.startswith("s3://"):
        return _put(session, place, name, text, what)
    return str(_write(Path(os.path.expanduser(place)), name, text, what))


def _put(session: boto3.Session, place: str, name: str, text: str, what: Published) -> str:
    bucket, prefix = split(place)
    s3 = session.client("s3")
    where = {"Bucket": bucket, "Key": f"{prefix}{name}"}
    url = f"s3://{bucket}/{prefix}{name}"
    try:
        _require_own(url, _body(s3, where), what)
        s3.put_object(**where, Body=text.encode(), ContentType="application/json")
    except (BotoCoreError, ClientError) as error:
        raise PublishingError(f"{place} cannot be written to: {error}.") from error
    return url


def _body(s3: Any, where: dict[str, str]) -> bytes | None:
    """Return what is there; None, where nothing is, or where those who write may not read."""
    try:
        return s3.get_object(**where)["Body"].read()
    except ClientError as error:
        if error.response["Error"]["Code"] not in ("NoSuchKey", "AccessDenied"):
            raise
        return None


def _require_own(where: str, text: bytes | None, what: Published) -> None:
    """Raise PublishingError, if the file there is of a pair that began at another time."""
    try:
        there = None if text is None else published(text.decode())
    except ValueError:
        return  # it shows on no board
    if there and there.started_at != what.started_at:
        raise PublishingError(
            f"{where} is of a pair that began at another time: choose another name with --as, "
            "or remove that file, if it is yours."
        )


def split(place: str) -> tuple[str, str]:
    """Return the bucket and the prefix of s3://bucket/prefix, the prefix ending in a slash."""
    bucket, prefix = s3_urls.split(place)
    if not bucket:
        raise PublishingError(f"{place} names no bucket: write s3://bucket/prefix.")
    return bucket, prefix if not prefix or prefix.endswith("/") else f"{prefix}/"


def _write(folder: Path, name: str, text: str, what: Published) -> Path:
    if not folder.is_dir():
        raise PublishingError(f"There is no folder {folder}: ask your facilitator for its name.")
    path = folder / name
    try:
        _require_own(str(path), path.read_bytes() if path.is_file() else None, what)
        write_whole(path, text, mode=0o644)
    except OSError as error:
        raise PublishingError(f"{folder} cannot be written to: {error.strerror}.") from error
    return path


def published(text: str) -> Published:
    """Return what a published file says; raise ValueError, if it is none of ours."""
    try:
        known: dict[str, Any] = json.loads(text)
        tasks = {name: PublishedTask(**task) for name, task in known.pop("tasks").items()}
        there = [Running(**one) for one in known.pop("running")]
        found = Published(**known, tasks=tasks, running=there)
        for one in (found, *tasks.values(), *there):
            _check_kinds(one)
    except json.JSONDecodeError as error:
        # Not its text: a link, or a mistake, may have led here to what is nobody's business.
        raise ValueError("it is no JSON") from error
    except (TypeError, KeyError, AttributeError, RecursionError) as error:
        raise ValueError(f"it is no published progress ({error})") from error
    return found


def _check_kinds(one: Published | PublishedTask | Running) -> None:
    """Raise TypeError or ValueError, unless each member is what the board can show."""
    for name, kind in get_type_hints(type(one)).items():
        value, kinds = getattr(one, name), get_args(kind) or (kind,)
        if value is None and NoneType in kinds:
            continue
        if str in kinds and name != "tasks":
            _check_text(name, value)
        elif int in kinds or float in kinds:
            _check_number(name, value)


def _check_text(name: str, value: object) -> None:
    if not isinstance(value, str) or not value.isprintable() or len(value) > MOST_LETTERS:
        raise TypeError(f"{name} is no short text")
    if name in TIMES and datetime.fromisoformat(value).tzinfo is None:
        raise ValueError(f"{name} has no zone")


def _check_number(name: str, value: object) -> None:
    # Which NaN, Infinity and what no float can hold are not.
    if not isinstance(value, int | float) or not 0 <= value <= MOST:
        raise TypeError(f"{name} is no number from 0 to {MOST}")
