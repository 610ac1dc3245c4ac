"""A participant's edition: the worked notebooks, with their steps emptied and their answers gone.

A step's regions become stubs as nbgrader makes them, so its course tools read the same notebooks.
"""

import copy
from collections.abc import Iterable, Iterator

from nbconvert.preprocessors import ClearOutputPreprocessor, Preprocessor, TagRemovePreprocessor
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell

from maze_helpers.notebooks import NotebookError, skeleton, steps, tags

HELP = """\
## How do you play this notebook?

Run the cells from the top. Where one says `YOUR CODE HERE`, write what its comments ask for, in \
place of that line and the next. Whenever you want to know more, make a cell of your own, or a \
terminal in this folder; if it does not find `maze`, `source ../../.venv/bin/activate` there:

| in a cell | in a terminal | what you get |
|---|---|---|
| `check()` | `maze check` | what is there and what is missing, in one sentence |
| `hint()` | `maze hint` | the next hint for the step that the check found missing |
| `hint(1)` | `maze hint 1` | the next hint for step 1, each nearer than the last |
| `answer(1)` | `maze answer 1` | our answer to question 1, once you have your own |
| `note(1, "…")` | `maze note 1 "…"` | your own answer, kept for the review round |
| `progress()` | `maze progress` | the map, with what you have done |"""
HELP_IMPORT = "from maze_helpers.learner import answer, check, hint, note, progress"
YOUR_STEP = """\
**Step {number} of {of} is yours to write.** `hint({number})` gives a hint for it, and \
`answer("step {number}")` shows our cell."""
YOUR_ANSWER = """\
**Your answer.** Write it here, from what you see running, in place of this sentence.

`hint("question {number}")` gives a hint. `note({number}, "…")` keeps your answer for the review \
round, and `answer({number})` shows ours, to compare."""


class ClearSolutions(Preprocessor):
    """Makes skeletons of the code cells, as nbgrader's preprocessor of this name does."""

    def preprocess_cell(
        self, cell: NotebookNode, resources: dict, index: int
    ) -> tuple[NotebookNode, dict]:
        """Return the cell without its solutions."""
        if cell.cell_type == "code":
            cell.source = skeleton(cell.source)
        return cell, resources


def of(worked: NotebookNode) -> NotebookNode:
    """Return the participant's edition of a worked notebook.

    Raises: NotebookError, if a region is not well formed or no cell is tagged `setup`.
    """
    notebook = copy.deepcopy(worked)
    notebook.cells = list(_with_numbered_steps(notebook))
    for preprocessor in (
        TagRemovePreprocessor(remove_cell_tags={"answer"}),
        ClearSolutions(),
        ClearOutputPreprocessor(),
    ):
        notebook, _ = preprocessor.preprocess(notebook, {})
    notebook.cells = list(_with_room_for_answers(notebook.cells))
    place = _after_setup(notebook.cells)
    notebook.cells[place:place] = [
        new_markdown_cell(HELP, id="how-to-play"),
        new_code_cell(HELP_IMPORT, id="how-to-play-import", metadata={"tags": ["setup"]}),
    ]
    return notebook


def _with_numbered_steps(notebook: NotebookNode) -> Iterator[NotebookNode]:
    numbers = {cell.id: number for number, cell in enumerate(steps(notebook), start=1)}
    for cell in notebook.cells:
        if cell.id in numbers:
            number = numbers[cell.id]
            yield new_markdown_cell(
                YOUR_STEP.format(number=number, of=len(numbers)), id=f"your-step-{number}"
            )
        yield cell


def _with_room_for_answers(cells: Iterable[NotebookNode]) -> Iterator[NotebookNode]:
    number = 0
    for cell in cells:
        yield cell
        if "question" in tags(cell):
            number += 1
            yield new_markdown_cell(
                YOUR_ANSWER.format(number=number),
                id=f"your-answer-{number}",
                metadata={"tags": ["answer"]},
            )


def _after_setup(cells: list[NotebookNode]) -> int:
    """Return the place behind the first cells tagged `setup`."""
    for place, cell in enumerate(cells[1:], start=1):
        if "setup" in tags(cells[place - 1]) and "setup" not in tags(cell):
            return place
    raise NotebookError("No cell is tagged `setup`, with another after it.")
