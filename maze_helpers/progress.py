"""How far somebody has come: a file of theirs beside the chapters, which is sent nowhere."""

import fcntl
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, get_type_hints

from maze_helpers.local_cloud.errors import MazeError
from maze_helpers.local_cloud.home import write_whole

FILE = "progress.json"
NOTEBOOKS = "chapter_*/task_*/*.ipynb"


@dataclass
class TaskProgress:
    """What is known of one task. Times are ISO 8601, in UTC.

    first_check_at, done_at: of the first check that found something, and of the first that found
    the task done. verdict, sentence: of the last check, the headline and what it said.
    checks: how many. step: the one that the last check found missing. caught_up_at: when a
    checkpoint was taken in place of doing the task. hints: how many were shown, by the name of
    step or question, such as "step 2". answers: the questions and steps whose answers were shown,
    as "question 1". notes: the learner's own, by question.
    """

    verdict: str = "Not begun"
    sentence: str = ""
    step: int | None = None
    checks: int = 0
    first_check_at: str | None = None
    done_at: str | None = None
    caught_up_at: str | None = None
    hints: dict[str, int] = field(default_factory=dict)
    answers: list[str] = field(default_factory=list)
    notes: dict[str, str] = field(default_factory=dict)

    @property
    def ended_at(self) -> str | None:
        """When the task was done or caught up with, whichever was first; None before."""
        return first_of(self.done_at, self.caught_up_at)


@dataclass
class Progress:
    """What is known of somebody's way through the tasks. started_at: ISO 8601, in UTC."""

    started_at: str
    tasks: dict[str, TaskProgress] = field(default_factory=dict)

    def of(self, task: str) -> TaskProgress:
        """Return what is known of the task, such as "chapter_1/task_3"."""
        return self.tasks.setdefault(task, TaskProgress())


def first_of(*times: str | None) -> str | None:
    """Return the earliest of times as the file has them; None, where there is none."""
    return min(filter(None, times), default=None)


def now() -> str:
    """Return the time, as the file has it."""
    return _as_text(datetime.now(timezone.utc))


def read(root: Path) -> Progress:
    """Return the progress of the folder with the chapters.

    Where nothing is known yet, it began when the oldest of the tasks' notebooks there was written.
    Raises: MazeError, if the file is not one of ours.
    """
    path = root / FILE
    try:
        known = json.loads(path.read_text(encoding="utf-8"))
        tasks = {name: _task(task) for name, task in known["tasks"].items()}
        return Progress(_time(known["started_at"]), tasks)
    except FileNotFoundError:
        return Progress(_began(root))
    except (
        *(OSError, ValueError, TypeError),
        *(KeyError, AttributeError, RecursionError),
    ) as error:
        raise MazeError(
            f"{path} cannot be read ({type(error).__name__}: {error}): move it away to begin anew."
        ) from error


@contextmanager
def changing(root: Path) -> Iterator[Progress]:
    """Give the progress to change; it is written at the end, unless an error leaves the block.

    A notebook and a terminal may do so at the same time: each waits for the other.
    Raises: MazeError, if the file is not one of ours or cannot be written.
    """
    with _locked(root):
        progress = read(root)
        yield progress
        try:
            write_whole(root / FILE, json.dumps(asdict(progress), indent=2) + "\n")
        except OSError as error:
            raise _not_kept(root, error) from error


@contextmanager
def _locked(root: Path) -> Iterator[None]:
    try:
        lock = open(root / f".{FILE}.lock", "w")
    except OSError as error:
        raise _not_kept(root, error) from error
    with lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _not_kept(root: Path, error: OSError) -> MazeError:
    return MazeError(
        f"Your progress cannot be kept in {root} ({error.strerror}): "
        "make that folder one that you can write to, with room on its disk."
    )


def _task(known: dict[str, Any]) -> TaskProgress:
    """Return what the file says of a task; raise TypeError or ValueError, if it cannot be."""
    task = TaskProgress(**known)
    for name, kind in get_type_hints(TaskProgress).items():
        _require(name, getattr(task, name), kind)
    for name in ("first_check_at", "done_at", "caught_up_at"):
        if getattr(task, name) is not None:
            _time(getattr(task, name))
    if min(task.hints.values(), default=0) < 0:
        raise ValueError(f"hints is {task.hints!r}")
    return task


def _require(name: str, value: object, kind: Any) -> None:
    """Raise TypeError, unless the value is of the kind: int, str | None, list[str], …"""
    container, inner = getattr(kind, "__origin__", kind), getattr(kind, "__args__", ())
    if not isinstance(value, container if isinstance(container, type) else kind):
        raise TypeError(f"{name} is {value!r}")
    if container is list:
        for item in value:
            _require(name, item, inner[0])
    elif container is dict:
        for item in value.values():
            _require(name, item, inner[1])


def _time(text: str) -> str:
    """Return the text, if it is a time with its zone; raise ValueError otherwise."""
    if datetime.fromisoformat(text).tzinfo is None:
        raise ValueError(f"{text} has no time zone")
    return text


def _began(root: Path) -> str:
    written = [path.stat().st_mtime for path in root.glob(NOTEBOOKS)]
    return _as_text(datetime.fromtimestamp(min(written), timezone.utc)) if written else now()


def _as_text(time: datetime) -> str:
    return time.isoformat(timespec="seconds")
