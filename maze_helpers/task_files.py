"""What somebody wrote for a task: its notebook, train.py and src/, not what running them left."""

import os
import re
from collections.abc import Iterator
from itertools import islice
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from maze_helpers.local_cloud.errors import MazeError
from maze_helpers.notebooks import code_cells, tags, without_marks

if TYPE_CHECKING:
    from nbformat import NotebookNode

SCRIPT, SOURCES = "train.py", "src"
MOST_BYTES, MOST_NOTEBOOK_BYTES, MOST_FILES = 5 * 2**20, 200 * 2**20, 500
# Models and data.
LEFT_BY_RUNS = (
    *(".joblib", ".pkl", ".pickle", ".pt", ".onnx", ".h5", ".safetensors"),
    *(".csv", ".npy", ".npz", ".parquet", ".gz", ".zip", ".pyc"),
)
_WRITEFILE = re.compile(r"%%(?:write)?file[ \t]+((?:-a|--append)[ \t]+)?(\S[^\n]*?)[ \t]*\n")


class TaskFilesError(MazeError):
    """A file of the task is none to pass on: one sentence that says which, and why."""


def read(folder: Path, notebook: str) -> dict[str, bytes]:
    """Return the content of each file of a task's folder that somebody wrote, by its name there.

    Raises: TaskFilesError, if one is a link out of the folder, or a script of more than 5 MB.
    """
    files = {}
    for name in names(folder, notebook):
        # What makes a notebook large is its outputs, which need not be passed on.
        most = MOST_NOTEBOOK_BYTES if name == notebook else MOST_BYTES
        files[name] = _content(folder, name, most)
    return files


def check_size(path: Path, size_bytes: int, most: int = MOST_BYTES) -> None:
    """Raise TaskFilesError, if a file is too large to pass on."""
    if size_bytes > most:
        raise TaskFilesError(
            f"{path} has {size_bytes / 2**20:.0f} MB, and {most // 2**20} are the most to pass "
            "on: make it smaller, or keep it elsewhere."
        )


def names(folder: Path, notebook: str) -> list[str]:
    """Return the names of the files that somebody wrote in a task's folder.

    Raises: TaskFilesError, if a folder in it is a link out of it, there are too many files, or
    a name is none to show.
    """
    found = list(islice(_names(folder, notebook), MOST_FILES + 1))
    if len(found) > MOST_FILES:
        raise TaskFilesError(
            f"{folder / SOURCES} has more than {MOST_FILES} files: keep there what you wrote, and "
            "the rest elsewhere."
        )
    for name in found:
        if not name.isprintable():
            raise TaskFilesError(f"{name!r} in {folder} has no name to print: give it another.")
    return found


def _names(folder: Path, notebook: str) -> Iterator[str]:
    yield from (name for name in (notebook, SCRIPT) if os.path.lexists(folder / name))
    if (folder / SOURCES).is_symlink():
        _check_link(folder, SOURCES)
    for around, folders, files in os.walk(folder / SOURCES):
        # What is hidden is an editor's or a secret.
        folders[:] = sorted(name for name in folders if not name.startswith((".", "__pycache__")))
        for name in [name for name in folders if Path(around, name).is_symlink()]:
            _check_link(folder, Path(around, name).relative_to(folder).as_posix())
        for name in sorted(files):
            if not name.startswith(".") and not name.endswith(LEFT_BY_RUNS):
                yield Path(around, name).relative_to(folder).as_posix()


def is_sources(name: str) -> bool:
    """Return whether a relative path is a script's: train.py, or something in src/."""
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or not name.isprintable():
        return False
    return path == PurePosixPath(SCRIPT) or (path.parts[:1] == (SOURCES,) and len(path.parts) > 1)


def _content(folder: Path, name: str, most: int) -> bytes:
    path = folder / name
    if path.is_symlink():
        _check_link(folder, name)
    if not path.is_file():
        raise TaskFilesError(f"{path} is no file: remove it, or put it elsewhere.")
    check_size(path, path.stat().st_size, most)
    return path.read_bytes()


def _check_link(folder: Path, name: str) -> None:
    """Raise TaskFilesError, if a link leads out of the task's folder."""
    if not (folder / name).resolve().is_relative_to(folder.resolve()):
        raise TaskFilesError(
            f"{folder / name} is a link out of the task's folder: put the file itself there."
        )


def written_by(notebook: "NotebookNode") -> dict[str, str]:
    """Return the text of each script that the notebook's cells write by %%writefile, by its name.

    What answers write is left out, and so are the lines that mark a solution.
    """
    texts: dict[str, str] = {}
    for cell in code_cells(notebook):
        magic = _WRITEFILE.match(cell.source)
        if magic is None or "answer" in tags(cell):
            continue
        name = PurePosixPath(magic[2].strip("\"'")).as_posix()
        if is_sources(name):
            text = without_marks(cell.source[magic.end() :]) + "\n"
            texts[name] = texts.get(name, "") + text if magic[1] else text
    return texts
