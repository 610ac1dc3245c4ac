"""Catching up: what a task starts from, put in place of what the tasks before it would have left.

Scripts and notebook of the task before go to a folder of their own in the task's: nothing of the
learner's is overwritten, and no check of a skipped task takes them for the learner's work.
"""

import os
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from maze_helpers import notebooks, progress, task_files
from maze_helpers.local_cloud.errors import MazeError
from maze_helpers.tasks import TASKS, Place, Task

if TYPE_CHECKING:
    from nbformat import NotebookNode

    from maze_helpers.session import Connection

FOLDER = "previous_task"
TRAINS = f"{task_files.SOURCES}/{task_files.SCRIPT}"
REFERENCE = "the reference solution"
TYPICAL_JOB_S = 120


class CheckpointError(MazeError):
    """There is nothing to start from: one sentence that says why, and what to do."""


@dataclass(frozen=True)
class Start:
    """What a task starts from.

    files: what the task before left, by their names in its folder. training: the files of the
    task whose model comes next, with a src/train.py; None for the package's own. whose: for
    people.
    """

    files: dict[str, bytes]
    training: dict[str, bytes] | None
    whose: str


def take(place: Place, source: Path | None = None, mode: str | None = None) -> Iterator[str]:
    """Put in place what the task starts from; yield a sentence on each thing, as it comes.

    source: a folder that `maze share` made, or a notebook; None for the reference solution.
    mode: "local" or "aws"; None for the environment's. A second time changes nothing.
    Raises: CheckpointError, if the source has not what is needed, or its script does not train.
    """
    index = TASKS.index(place.task)
    if not index:
        yield f"{place.task.name} starts from nothing: open {place.task.notebook}."
        return
    start = _reference(index) if source is None else _shared(index, source)
    yield _put_files(place, TASKS[index - 1], start)
    if any(task.in_cloud for task in TASKS[:index]):
        yield from _put_in_cloud(place, start, mode)
    yield from _mark(place, TASKS[:index])
    yield f"Now open {place.task.name}/{place.task.notebook}."


def _reference(index: int) -> Start:
    """Return what the worked notebook of the task before leaves."""
    worked = notebooks.read_notebook(TASKS[index - 1].solution)
    texts = task_files.written_by(worked)
    worked.cells = [cell for cell in worked.cells if "answer" not in notebooks.tags(cell)]
    for cell in notebooks.code_cells(worked):
        cell.source = notebooks.without_marks(cell.source)
    texts[TASKS[index - 1].notebook] = _written(worked)
    return Start({name: text.encode() for name, text in texts.items()}, None, REFERENCE)


def _written(notebook: "NotebookNode") -> str:
    """Return a notebook's text without what its runs left."""
    import nbformat

    from maze_helpers.scrubbing import Scrubber
    from maze_helpers.shared_notebook import clean

    clean(notebook, Scrubber(), with_outputs=False)
    return nbformat.writes(notebook) + "\n"


def _shared(index: int, source: Path) -> Start:
    """Return what somebody else left of the task before."""
    source = Path(os.path.expanduser(source)).resolve()
    previous = TASKS[index - 1]
    folder, notebook = _find(source, previous)
    files = _files_of(folder, notebook, beside=folder.match(previous.name))
    if not any(task_files.is_sources(name) for name in files):
        raise CheckpointError(
            f"{folder / notebook} leaves no {task_files.SCRIPT} and no {task_files.SOURCES}/: "
            "name another group's, or leave out --from."
        )
    _check_written(folder, files)
    is_of_task = folder.match(previous.name)
    whose = folder.parents[1].name if is_of_task else f"the notebook {source.name}"
    return Start(files, _training(index, folder, files), whose)


def _find(source: Path, previous: Task) -> tuple[Path, str]:
    """Return the folder and the notebook's name that a source means."""
    if source.is_file() and source.suffix == ".ipynb":
        if any(source.parent.match(task.name) for task in TASKS if task != previous):
            raise CheckpointError(f"{source} is not of {previous.name}, which comes before.")
        return source.parent, source.name
    for folder in (source / previous.name, source):
        if folder.match(previous.name) and folder.is_dir():
            return folder, previous.notebook
    if not source.is_dir():
        raise CheckpointError(
            f"{source} is neither a folder that `maze share` made nor a notebook: name one."
        )
    found = [path.parents[1].name for path in source.glob(f"*/{previous.name}")]
    groups = sorted(name for name in found if name.isprintable())
    fix = f"name one in it: {', '.join(groups)}" if groups else "name another group's"
    raise CheckpointError(f"{source} has no {previous.name}: {fix}, or leave out --from.")


def _files_of(folder: Path, notebook: str, beside: bool) -> dict[str, bytes]:
    """Return a notebook and the scripts that it left beside itself, or else would write.

    No cell is run. beside: whether what is in the folder belongs to the notebook.
    """
    files = task_files.read(folder, notebook) if beside else {}
    if (folder / notebook).is_file():
        shared = notebooks.read_notebook(folder / notebook)
        texts = task_files.written_by(shared)
        files = {name: text.encode(errors="replace") for name, text in texts.items()} | files
        files[notebook] = _written(shared).encode(errors="replace")
    return files


def _check_written(folder: Path, files: dict[str, bytes]) -> None:
    """Raise CheckpointError, if a script is not written yet."""
    for name, content in files.items():
        if task_files.is_sources(name) and notebooks.STUB[1].encode() in content:
            raise CheckpointError(
                f"{folder / name} still has `{notebooks.STUB[1]}`: "
                "name another group's, or leave out --from."
            )


def _training(index: int, folder: Path, files: dict[str, bytes]) -> dict[str, bytes] | None:
    """Return the files of the latest of somebody's tasks that trains in the cloud, or None."""
    for task in reversed([task for task in TASKS[:index] if task.in_cloud]):
        own = folder.parents[1] / task.name
        if task == TASKS[index - 1]:
            found = files
        elif folder.match(TASKS[index - 1].name) and own.is_dir():
            found = _files_of(own, task.notebook, beside=True)
        else:
            continue
        if TRAINS in found:
            _check_written(own, found)
            return found
    return None


def _put_files(place: Place, previous: Task, start: Start) -> str:
    """Put the files in a folder of their own; another that is there is kept beside it."""
    target = place.folder / FOLDER
    names = ", ".join(sorted(start.files))
    said = f"{place.task.name}/{FOLDER} has {previous.name} of {start.whose}: {names}."
    if _content_of(target) == start.files:
        return said
    partial = Path(tempfile.mkdtemp(prefix=f".{FOLDER}.", dir=place.folder))
    try:
        partial.chmod(0o755)
        _write(partial, start.files)
        if os.path.lexists(target):
            kept = _free(place.folder)
            target.rename(kept)
            said += f" What was there is in {kept.name}."
        partial.rename(target)
    except OSError as error:
        shutil.rmtree(partial)
        raise CheckpointError(f"{target} cannot hold {names}: {error.strerror}.") from error
    return said


def _write(folder: Path, files: dict[str, bytes]) -> None:
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)


def _content_of(folder: Path) -> dict[str, bytes]:
    left = (".ipynb_checkpoints", "__pycache__")
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path.parent.name not in left
    }


def _free(folder: Path) -> Path:
    """Return a path for a folder to keep that is not taken."""
    number = 1
    while (kept := folder / f"{FOLDER}_kept_{number}").exists():
        number += 1
    return kept


def _put_in_cloud(place: Place, start: Start, mode: str | None) -> Iterator[str]:
    """See that the newest digits job left a model to start from, and put the digits in S3."""
    from botocore.exceptions import BotoCoreError, ClientError

    from maze_helpers.session import connect
    from maze_helpers.trained import upload_digits

    try:
        maze = connect(mode)
        yield from _put_model(place, start, maze)
        for channel, uri in upload_digits(maze).items():
            yield f"{uri} has the digits of the channel {channel}."
    except (BotoCoreError, ClientError) as error:
        raise MazeError(f"Catching up ended early: {error}") from error


def _put_model(place: Place, start: Start, maze: "Connection") -> Iterator[str]:
    from maze_helpers.trained import SCRIPT, has_run, newest_digits_job

    with tempfile.TemporaryDirectory() as scratch:
        scripts = SCRIPT if start.training is None else _scripts(start.training, Path(scratch))
        name = newest_digits_job(maze)
        is_own = start.whose == REFERENCE and _has_trained(place)
        if name is None or not (is_own or has_run(maze, name, scripts)):
            yield from _announce(start, maze)
            name = _train(start, maze, scripts)
    yield f"{name} is a training job that completed and left a model."


def _has_trained(place: Place) -> bool:
    """Return whether the learner has done a task whose job leaves a model."""
    known = progress.read(place.root)
    trained = [task.name for task in TASKS if task.in_cloud and task.notebook == "training.ipynb"]
    return any(known.of(name).done_at for name in trained)


def _scripts(files: dict[str, bytes], scratch: Path) -> Path:
    for name, content in files.items():
        if name.startswith(f"{task_files.SOURCES}/"):
            _write(scratch, {name: content})
    return scratch / task_files.SOURCES


def _announce(start: Start, maze: "Connection") -> Iterator[str]:
    """Yield what people should know before a job begins."""
    from maze_helpers.trained import DIGITS_INSTANCE

    if start.training is not None:
        yield f"{TRAINS} of {start.whose} runs now, as a training job of yours."
    elif start.whose != REFERENCE:
        yield f"{start.whose} has no {TRAINS} of a training job, so the model is {REFERENCE}'s."
    if maze.mode == "aws":
        from maze_helpers.cost import SECONDS_AN_HOUR, usd_per_hour

        hourly = usd_per_hour(DIGITS_INSTANCE, "training", "us-east-1")
        yield (
            f"A training job begins, which bills: some {TYPICAL_JOB_S} s of {DIGITS_INSTANCE}, "
            f"{hourly * TYPICAL_JOB_S / SECONDS_AN_HOUR:.4f} USD in us-east-1."
        )


def _train(start: Start, maze: "Connection", scripts: Path) -> str:
    """Return the name of a new job that left a model; raise CheckpointError, if it left none."""
    from sagemaker.exceptions import UnexpectedStatusException

    from maze_helpers.trained import newest_digits_job, train_digits

    try:
        name = train_digits(maze, scripts)
        if name == newest_digits_job(maze):
            return name
        reason = "it left no model"
    except UnexpectedStatusException as error:
        reason = _last_error(maze) or str(error).splitlines()[0]
    raise CheckpointError(
        f"{TRAINS} of {start.whose} does not train as a job ({reason}): "
        "name another group's, or leave out --from."
    )


def _last_error(maze: "Connection") -> str | None:
    """Return the error with which the script of the newest job here ended, or None.

    The job's own reason has no word of it, if the image is scikit-learn's.
    """
    from maze_helpers.checks.jobs import last_error
    from maze_helpers.trained import OWN_PREFIX

    newest = maze.boto_session.client("sagemaker").list_training_jobs(
        NameContains=OWN_PREFIX, SortBy="CreationTime", SortOrder="Descending", MaxResults=1
    )
    return last_error(maze.boto_session, newest["TrainingJobSummaries"][0]["TrainingJobName"])


def _mark(place: Place, skipped: tuple[Task, ...]) -> Iterator[str]:
    """Note in the progress which tasks were skipped; yield a sentence, if there are any."""
    with progress.changing(place.root) as known:
        open_tasks = [task.name for task in skipped if not known.of(task.name).done_at]
        for name in open_tasks:
            task = known.of(name)
            task.caught_up_at = task.caught_up_at or progress.now()
    if open_tasks:
        yield f"Skipped, and marked so in your progress: {', '.join(open_tasks)}."
