"""The conventions every notebook of the maze follows, and reading what follows them.

A cell's tags say what it is for: `parameters` (one cell, `mode = None`), `setup` (plumbing),
`work` (what a participant writes), `check`, `question` (prose), `answer` (code that computes it,
and the prose around it). The last code cell is tagged `cleanup`.

In a task's worked notebook, what a participant writes is between lines `### BEGIN SOLUTION` and
`### END SOLUTION`, as nbgrader has it. What is outside of them says what is expected.
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from maze_helpers import slow_imports
from maze_helpers.local_cloud.errors import MazeError

if TYPE_CHECKING:
    from nbformat import NotebookNode

TAGS = {"parameters", "setup", "work", "check", "question", "answer", "cleanup"}
# Tags that nbval reads: what is different at every run is not compared.
NBVAL_TAGS = {"nbval-ignore-output", "nbval-skip", "raises-exception"}
# Lines with these words are around what a participant writes: nbgrader's convention.
BEGIN_SOLUTION, END_SOLUTION = "BEGIN SOLUTION", "END SOLUTION"
# What stands there before they have written it.
STUB = ("# YOUR CODE HERE", "raise NotImplementedError()")


class NotebookError(MazeError):
    """A notebook does not follow the conventions."""


@dataclass(frozen=True)
class Question:
    """A question of the exercise, and where its answer comes from."""

    question: str
    answer_code: str
    answer_text: str


def read_notebook(path: Path) -> NotebookNode:
    """Return the notebook; raise NotebookError, if the file is not one of format 4."""
    slow_imports.leave_out()
    import nbformat

    try:
        text = path.read_text(encoding="utf-8")
        nbformat.validate(json.loads(text), version=4)
    except (OSError, ValueError, RecursionError, nbformat.ValidationError) as error:
        reason = str(error).splitlines()[0]
        raise NotebookError(f"{path} is not a notebook of format 4: {reason}") from error
    return nbformat.reads(text, as_version=4)


def name_of(path: Path) -> str:
    """Return what people call the notebook: its folder, and its own name if it is not alone there.

    Example: "chapter_1/task_1", and "chapter_1/bonus/2_project".
    """
    folder = "/".join(path.parts[-3:-1])
    return folder if len(list(path.parent.glob("*.ipynb"))) == 1 else f"{folder}/{path.stem}"


def code_cells(notebook: NotebookNode) -> list[NotebookNode]:
    """Return the code cells, in order."""
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def tags(cell: NotebookNode) -> set[str]:
    """Return the cell's tags."""
    return set(cell.metadata.get("tags", []))


def tagged(notebook: NotebookNode, tag: str) -> list[NotebookNode]:
    """Return the cells with the tag, in order."""
    return [cell for cell in notebook.cells if tag in tags(cell)]


def steps(notebook: NotebookNode) -> list[NotebookNode]:
    """Return the code cells of a worked notebook that a participant writes, in order.

    They have a region between BEGIN SOLUTION and END SOLUTION; step 1 is the first of them.
    """
    return [cell for cell in code_cells(notebook) if BEGIN_SOLUTION in cell.source]


def skeleton(source: str) -> str:
    """Return a step's source with a stub in place of each region.

    Raises: NotebookError, if a region has no end, no beginning, or another region within.
    """
    lines = []
    for is_region, part in _parts(source):
        indent = re.match(r"\s*", part[0])[0]
        lines += [indent + line for line in STUB] if is_region else part
    return "\n".join(lines)


def without_marks(source: str) -> str:
    """Return a step's source without the lines around its regions, as somebody would write it."""
    marks = (BEGIN_SOLUTION, END_SOLUTION)
    lines = source.split("\n")
    return "\n".join(line for line in lines if not any(mark in line for mark in marks))


def _parts(source: str) -> Iterator[tuple[bool, list[str]]]:
    """Yield runs of lines that are one region, with its BEGIN and END, and each line outside."""
    region: list[str] = []
    for line in source.split("\n"):
        begins, ends = BEGIN_SOLUTION in line, END_SOLUTION in line
        if (begins and (region or ends)) or (ends and not region):
            raise NotebookError(f"This line is out of place: {line.strip()!r}.")
        if begins or region:
            region.append(line)
        else:
            yield False, [line]
        if ends:
            yield True, region
            region = []
    if region:
        raise NotebookError(f"There is no {END_SOLUTION} after {region[0].strip()!r}.")


def parameters(notebook: NotebookNode) -> dict[str, object]:
    """Return the parameters the notebook takes, with their defaults.

    Raises: NotebookError, unless one cell is tagged `parameters` and assigns constants.
    """
    cells = tagged(notebook, "parameters")
    if len(cells) != 1:
        raise NotebookError(f"{len(cells)} cells are tagged `parameters`; there must be one.")
    try:
        return {
            statement.targets[0].id: ast.literal_eval(statement.value)
            for statement in ast.parse(cells[0].source).body
        }
    except (AttributeError, ValueError, SyntaxError) as error:
        raise NotebookError("The cell `parameters` may only assign constants to names.") from error


def questions(notebook: NotebookNode) -> list[Question]:
    """Return the questions of the notebook with their answers, in order.

    A question's answer is the run of `answer` cells after it: code that computes, and prose.
    """
    return [
        Question(cell.source, _joined(answer, "code"), _joined(answer, "markdown"))
        for cell, answer in questions_and_answers(notebook)
    ]


def questions_and_answers(
    notebook: NotebookNode,
) -> Iterator[tuple[NotebookNode, list[NotebookNode]]]:
    """Yield each question's cell with the cells of its answer, in order."""
    cells = notebook.cells
    for place, cell in enumerate(cells):
        if "question" not in tags(cell):
            continue
        answer = []
        for following in cells[place + 1 :]:
            if "answer" not in tags(following):
                break
            answer.append(following)
        yield cell, answer


def _joined(cells: list[NotebookNode], cell_type: str) -> str:
    return "\n\n".join(cell.source for cell in cells if cell.cell_type == cell_type)
