"""`maze start`: a folder of a learner's own, with the notebooks to fill in."""

import os
import shlex
import shutil
import sys
from dataclasses import dataclass, field
from pathlib import Path

import nbformat

from maze_helpers import edition, notebooks, progress, tasks
from maze_helpers.local_cloud.errors import MazeError
from maze_helpers.local_cloud.home import FOLDER, Home

README = tasks.ROOT / "data" / "edition.md"
GLOSSARY = tasks.ROOT / "GLOSSARY.md"
# What is one person's or one machine's, and nothing to share.
IGNORED = (
    *("/.venv", "/data", "/runs/", f"/{progress.FILE}", f"/.{progress.FILE}.lock"),
    *(f"{FOLDER}/", ".ipynb_checkpoints/", "__pycache__/"),
)


class StartError(MazeError):
    """The folder cannot be made there: one sentence that says why, and what to do."""


@dataclass
class Started:
    """A learner's folder: which of its files were made now, and which were there before."""

    folder: Path
    made: list[str] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)

    def add(self, name: str, text: str) -> None:
        """Write a file of the folder, unless there is one."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with open(path, "x", encoding="utf-8") as file:
                file.write(text)
        except FileExistsError:
            self.kept.append(name)
        else:
            self.made.append(name)


def prepare(folder: Path) -> Started:
    """Return the learner's folder, with all it needs; what was there stays as it was.

    Raises: StartError, if it is the checkout, inside somebody's folder, or cannot be used.
    """
    folder = Path(os.path.expanduser(folder)).resolve()
    _check_place(folder)
    started = Started(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for task in tasks.TASKS:
            started.add(f"{task.name}/{task.notebook}", _emptied(task))
        started.add("README.md", README.read_text(encoding="utf-8"))
        started.add(GLOSSARY.name, GLOSSARY.read_text(encoding="utf-8"))
        started.add(".gitignore", "\n".join(IGNORED) + "\n")
        _link_what_notebooks_name(folder)
        Home(folder / FOLDER).prepare()
        with progress.changing(folder):
            pass  # it keeps the time of the first start
    except OSError as error:
        reason = f"{error.strerror}: {error.filename}"
        raise StartError(f"{folder} cannot be used ({reason}): name another folder.") from error
    return started


def _check_place(folder: Path) -> None:
    if folder.exists() and not folder.is_dir():
        raise StartError(f"{folder} is a file: name a folder, such as maze-work.")
    if folder == tasks.ROOT or (folder / "maze_helpers").is_dir():
        raise StartError(
            f"{folder} holds the worked solutions: name another folder, such as maze-work."
        )
    for around in folder.parents:
        if tasks.is_edition(around):
            raise StartError(
                f"{folder} would be inside {around}, where a maze has been started: "
                f"`maze start {shlex.quote(str(around))}` adds what is missing there."
            )


def _emptied(task: tasks.Task) -> str:
    """Return the task's notebook for learners, as its file holds it."""
    worked = notebooks.read_notebook(task.solution)
    try:
        return nbformat.writes(edition.of(worked)) + "\n"
    except notebooks.NotebookError as error:
        raise StartError(f"{task.solution} cannot be emptied: {error}") from error


def _link_what_notebooks_name(folder: Path) -> None:
    """Make `../../data` and `../../.venv`, which the notebooks' text names, the checkout's."""
    _link(folder / "data", tasks.ROOT / "data")
    if sys.prefix != sys.base_prefix:
        _link(folder / ".venv", Path(sys.prefix))


def _link(link: Path, target: Path) -> None:
    if link.is_symlink() and not link.exists():
        link.unlink()  # its target has moved since
    if not link.exists():
        link.symlink_to(target)


def what_to_do_next(started: Started) -> str:
    """Return what was made and kept, and the commands that lead to the first task."""
    lines = [_what_happened(started), "", "Next:"]
    if started.folder != Path.cwd():
        lines.append(f"  cd {shlex.quote(_shortest(started.folder))}")
    if not _finds_our_jupyter() and (started.folder / ".venv").exists():
        lines.append("  source .venv/bin/activate")
    task = _first_open(started.folder)
    lines.append(f"  jupyter lab        # and open {task.name}/{task.notebook}")
    return "\n".join(lines)


def _first_open(folder: Path) -> tasks.Task:
    """Return the first task that is neither done nor caught up with; the first, if all are."""
    known = progress.read(folder)
    still = (task for task in tasks.TASKS if not known.of(task.name).ended_at)
    return next(still, tasks.TASKS[0])


def _finds_our_jupyter() -> bool:
    """Return whether a terminal finds the Jupyter beside this Python, not one of another."""
    found = shutil.which("jupyter")
    return found is not None and Path(found).parent.samefile(Path(sys.executable).parent)


def _what_happened(started: Started) -> str:
    where = _shortest(started.folder)
    made = [name for name in started.made if name.endswith(".ipynb")]
    kept = len(tasks.TASKS) - len(made)
    if not kept:
        return f"{where} is yours: {len(made)} notebooks to fill in; its README says how to play."
    if not made:
        return f"{where} has every notebook already, and all {kept} stay as they are."
    return f"{where} lacked {', '.join(made)}; the other {kept} stay as they are."


def _shortest(folder: Path) -> str:
    here = Path.cwd()
    return str(folder.relative_to(here)) if here in folder.parents else str(folder)
