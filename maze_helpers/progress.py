"""How far somebody has come: a file of theirs beside the chapters, which is sent nowhere."""

import fcntl
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import datetime, timezone
from pathlib import Path

from maze_helpers.local_cloud.errors import MazeError
from maze_helpers.local_cloud.home import write_whole

FILE = "progress.json"


@dataclass
class TaskProgress:
    """What is known of one task. Times are ISO 8601, in UTC.

    first_check_at, done_at: of the first check, and of the first that found the task done.
    verdict, sentence: of the last check, the headline and what it said. checks: how many.
    step: the one that the last check found missing. caught_up_at: when a checkpoint was taken
    in place of doing the task. hints: how many were shown, by the name of step or question.
    answers: the questions whose answers were shown. notes: the learner's own, by question.
    """

    verdict: str = "Not begun"
    sentence: str = ""
    step: int | None = None
    checks: int = 0
    first_check_at: str | None = None
    done_at: str | None = None
    caught_up_at: str | None = None
    hints: dict[str, int] = field(default_factory=dict)
    answers: list[int] = field(default_factory=list)
    notes: dict[str, str] = field(default_factory=dict)


@dataclass
class Progress:
    """What is known of somebody's way through the tasks. started_at: ISO 8601, in UTC."""

    started_at: str
    tasks: dict[str, TaskProgress] = field(default_factory=dict)

    def of(self, task: str) -> TaskProgress:
        """Return what is known of the task, such as "chapter_1/task_3"."""
        return self.tasks.setdefault(task, TaskProgress())


def now() -> str:
    """Return the time, as the file has it."""
    return datetime.now(timezone.utc).isoformat(timespec="seconds")


def read(root: Path) -> Progress:
    """Return the progress of the folder with the chapters; one that begins now, if none is known.

    Raises: MazeError, if the file is not one of ours.
    """
    path = root / FILE
    try:
        known = json.loads(path.read_text(encoding="utf-8"))
        tasks = {name: TaskProgress(**task) for name, task in known["tasks"].items()}
        return Progress(known["started_at"], tasks)
    except FileNotFoundError:
        return Progress(now())
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise MazeError(f"{path} cannot be read ({error}): delete it to begin anew.") from error


@contextmanager
def changing(root: Path) -> Iterator[Progress]:
    """Give the progress to change; it is written at the end, unless an error leaves the block.

    A notebook and a terminal may do so at the same time: each waits for the other.
    """
    with open(root / f".{FILE}.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        progress = read(root)
        yield progress
        write_whole(root / FILE, json.dumps(asdict(progress), indent=2) + "\n")
