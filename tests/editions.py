"""Editions to test with: filling a participant's notebook by the worked one."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from maze_helpers import edition, notebooks, start, tasks
from maze_helpers.local_cloud import server

# Written apart from the package, which goes line by line.
REGION = re.compile(
    r"^[^\n]*BEGIN SOLUTION[^\n]*\n(?:[^\n]*\n)*?[^\n]*END SOLUTION[^\n]*$", re.MULTILINE
)
STUB = re.compile(r"^([^\S\n]*)# YOUR CODE HERE\n\1raise NotImplementedError\(\)$", re.MULTILINE)


@contextmanager
def started(folder: Path) -> Iterator[Path]:
    """Make a learner's folder and yield it, with its local cloud running."""
    start.prepare(folder)
    server.start(folder / ".maze", port=0)
    try:
        yield folder
    finally:
        server.stop(folder / ".maze")


def regions(source: str) -> list[str]:
    """Return the regions of a worked step, with their first and last lines."""
    return REGION.findall(source)


def fill(skeleton: str, regions: list[str]) -> str:
    """Return the skeleton with the regions in place of its stubs, in order."""
    left: Iterator[str] = iter(regions)
    filled = STUB.sub(lambda stub: next(left), skeleton)
    assert not list(left)
    return filled


def filled(emptied: NotebookNode, worked: NotebookNode) -> NotebookNode:
    """Return a participant's notebook with each step as the worked notebook has it."""
    solutions = {cell.id: regions(cell.source) for cell in notebooks.steps(worked)}
    for cell in emptied.cells:
        cell.source = fill(cell.source, solutions.get(cell.id, []))
    return emptied


def worked_and_edition(task: tasks.Task) -> tuple[NotebookNode, NotebookNode]:
    """Return the worked notebook of a task, and the participant's edition of it."""
    worked = notebooks.read_notebook(task.solution)
    return worked, edition.of(worked)


def solve(path, task: tasks.Task) -> None:
    """Fill the participant's notebook at a path, as somebody would who knows the solution."""
    worked = notebooks.read_notebook(task.solution)
    nbformat.write(filled(notebooks.read_notebook(path), worked), path)
