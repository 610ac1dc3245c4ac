"""The worked answers: of a question, and of a step; read from the worked notebooks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from maze_helpers import notebooks, progress
from maze_helpers.notebooks import NotebookError
from maze_helpers.parts import QUESTION, STEP, Part, require
from maze_helpers.tasks import Place, Task, TaskError

if TYPE_CHECKING:
    from nbformat import NotebookNode
    from rich.console import Console


TO_RUN = "*To see what the code shows, put it into a cell of your own.*"


@dataclass(frozen=True)
class Piece:
    """A cell of an answer: code, or prose in Markdown."""

    is_code: bool
    source: str


@dataclass(frozen=True)
class Answer:
    """An answer as the worked notebook gives it. title: the question, or what the step is."""

    part: Part
    title: str
    pieces: tuple[Piece, ...]

    @property
    def markdown(self) -> str:
        """The answer as Markdown, its code in blocks."""
        blocks = [
            f"```python\n{piece.source}\n```" if piece.is_code else piece.source
            for piece in self.pieces
        ]
        return "\n\n".join([self._heading, *blocks, *self._ending])

    def print(self, console: Console) -> None:
        """Print the answer, rendered on a terminal; no line of code is cut or broken."""
        if not console.is_terminal:
            console.print(self.markdown, markup=False, highlight=False, soft_wrap=True)
            return
        from rich.markdown import Markdown
        from rich.theme import Theme

        # Bold is legible on any ground, which the colours of rich's own themes are not.
        with console.use_theme(Theme({"markdown.code": "bold"})):
            console.print(Markdown(self._heading))
            for piece in self.pieces:
                console.print()
                if piece.is_code:
                    console.print(piece.source, markup=False, highlight=False, soft_wrap=True)
                else:
                    console.print(Markdown(piece.source))
            for line in self._ending:
                console.print()
                console.print(Markdown(line))

    @property
    def _heading(self) -> str:
        return f"**Our answer to {self.part.name}.** {self.title}"

    @property
    def _ending(self) -> list[str]:
        """What to say of code that the prose takes for run."""
        has_code = any(piece.is_code for piece in self.pieces)
        return [TO_RUN] if has_code and self.part.kind == QUESTION else []


def answers(task: Task) -> dict[Part, Answer]:
    """Return the answers of a task: its steps', then its questions', in the notebook's order.

    Raises: TaskError, if the worked notebook is not there.
    """
    try:
        notebook = notebooks.read_notebook(task.solution)
    except NotebookError as error:
        raise TaskError(
            f"The worked solution cannot be read ({task.solution}): "
            "get it from the repository that you have the maze from."
        ) from error
    found = [*_of_steps(notebook), *_of_questions(notebook)]
    return {answer.part: answer for answer in found}


def _of_steps(notebook: NotebookNode) -> list[Answer]:
    return [
        Answer(
            Part(STEP, number),
            "A way to write the cell:",
            (Piece(True, notebooks.without_marks(cell.source)),),
        )
        for number, cell in enumerate(notebooks.steps(notebook), 1)
    ]


def _of_questions(notebook: NotebookNode) -> list[Answer]:
    return [
        Answer(
            Part(QUESTION, number),
            question.source.splitlines()[0].lstrip("# "),
            tuple(Piece(cell.cell_type == "code", cell.source) for cell in cells),
        )
        for number, (question, cells) in enumerate(notebooks.questions_and_answers(notebook), 1)
    ]


def reveal(place: Place, part: Part | None = None) -> Answer:
    """Return an answer, and note it as seen.

    part: None for the step that the last check found missing, else the first answer not yet seen.
    Raises: TaskError, if the task has no such part, or its worked notebook is not there.
    """
    known = answers(place.task)
    if part is not None:
        require(part, list(known), place.task)
    with progress.changing(place.root) as changed:
        task = changed.of(place.task.name)
        part = part or _choose(known, task)
        if part.name not in task.answers:
            task.answers.append(part.name)
    return known[part]


def _choose(known: dict[Part, Answer], task: progress.TaskProgress) -> Part:
    if task.step is not None and Part(STEP, task.step) in known:
        return Part(STEP, task.step)
    unseen = [part for part in known if part.name not in task.answers]
    return (unseen or list(known))[0]
