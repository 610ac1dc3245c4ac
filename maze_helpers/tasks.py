"""The seven tasks: their names, and in whose folder somebody works on one."""

from dataclasses import dataclass
from pathlib import Path

from maze_helpers import progress
from maze_helpers.local_cloud.errors import MazeError
from maze_helpers.local_cloud.home import FOLDER

# The checkout, whose notebooks are the worked solutions.
ROOT = Path(__file__).resolve().parent.parent


class TaskError(MazeError):
    """There is no such task, or none here: one sentence that says what to do."""


@dataclass(frozen=True)
class Task:
    """A task of the workshop. name: its folder, as people call it, such as "chapter_1/task_3".

    in_cloud: whether its work is in the cloud; it is in the task's folder alone, if not.
    """

    name: str
    title: str
    notebook: str
    in_cloud: bool = True

    @property
    def label(self) -> str:
        """What people read: "chapter 1, task 3"."""
        return self.name.replace("_", " ").replace("/", ", ")

    @property
    def solution(self) -> Path:
        """The notebook of the worked solution."""
        return ROOT / self.name / self.notebook


@dataclass(frozen=True)
class Place:
    """A task, and the folder with the chapters that somebody works in."""

    root: Path
    task: Task

    @property
    def folder(self) -> Path:
        """The task's folder there."""
        return self.root / self.task.name


TASKS = (
    Task("chapter_1/task_1", "a script", "training.ipynb", in_cloud=False),
    Task("chapter_1/task_2", "a script with arguments", "training.ipynb", in_cloud=False),
    Task("chapter_1/task_3", "a training job", "training.ipynb"),
    Task("chapter_1/task_4", "a job with metrics", "training.ipynb"),
    Task("chapter_2/task_1", "a real-time endpoint", "inference.ipynb"),
    Task("chapter_2/task_2", "a serverless endpoint", "inference.ipynb"),
    Task("chapter_2/task_3", "a batch transform", "inference.ipynb"),
)
_BY_NAME = {task.name: task for task in TASKS}


def find(name: str) -> Task:
    """Return the task of a name, or of a path that ends with one; raise TaskError otherwise."""
    parts = [part for part in Path(name).parts if not part.endswith(".ipynb")]
    task = _BY_NAME.get("/".join(parts[-2:]))
    if task is None:
        raise TaskError(f"There is no task {name}; there are {', '.join(_BY_NAME)}.")
    return task


def here(name: str | None = None, start: Path | None = None) -> Place:
    """Return the task of a name, else the one whose folder this is, with the chapters around it.

    name: a path to a task's folder means that folder; task_2 alone is the chapter's that this is.
    start: the folder to look from; the current one, if None.
    Raises: TaskError, if there is no such task, or no chapters here.
    """
    start = Path.cwd() if start is None else start.resolve()
    if name is not None:
        folder = start / name
        if folder.exists():
            return here(start=folder)
        return Place(root(start), _BY_NAME.get(f"{_chapter(start)}/{name}") or find(name))
    for folder in (start, *start.parents):
        if "/".join(folder.parts[-2:]) in _BY_NAME:
            return Place(folder.parent.parent, find(str(folder)))
    raise TaskError(
        "This is not a task's folder: go to one, such as chapter_1/task_1, or name the task."
    )


def _chapter(start: Path) -> str | None:
    """Return the name of the chapter whose folder, or a task's in it, this is; None elsewhere."""
    chapters = {task.name.partition("/")[0] for task in TASKS}
    names = [folder.name for folder in (start, *start.parents)]
    return next((name for name in names if name in chapters), None)


def root(start: Path | None = None) -> Path:
    """Return the folder with the chapters: the current one, or the nearest around it."""
    start = Path.cwd() if start is None else start.resolve()
    for folder in (start, *start.parents):
        if has_chapters(folder):
            return folder
    raise TaskError("There are no chapters here: go to the folder that `maze start` made.")


def has_chapters(folder: Path) -> bool:
    """Return whether the folder holds the chapters with the tasks."""
    return (folder / TASKS[0].name).is_dir()


def edition_or_checkout(start: Path | None = None) -> Path:
    """Return the folder with the chapters of the learner who works here, else the checkout."""
    try:
        around = root(start)
    except TaskError:
        return ROOT
    return around if is_edition(around) else ROOT


def is_edition(folder: Path) -> bool:
    """Return whether a learner works in the folder: `maze start` or a check left their marks."""
    marks = (folder / FOLDER, folder / progress.FILE)
    is_started = any(mark.exists() for mark in marks)
    return folder != ROOT and is_started and has_chapters(folder)
