"""Answers are the worked notebooks' own, and are noted as seen."""

import re
from dataclasses import replace
from io import StringIO

import pytest
from rich.console import Console

from maze_helpers import answers, notebooks, progress
from maze_helpers.answers import Answer, Piece
from maze_helpers.parts import QUESTION, STEP, Part
from maze_helpers.tasks import TASKS, Place, Task, TaskError

EACH_TASK = pytest.mark.parametrize("task", TASKS, ids=lambda task: task.name)
TASK = TASKS[2]


@pytest.fixture
def place(tmp_path) -> Place:
    """A folder of a learner's own."""
    return Place(tmp_path, TASK)


def seen(place: Place) -> list[str]:
    return progress.read(place.root).of(TASK.name).answers


@EACH_TASK
def test_every_step_and_question_has_an_answer(task):
    notebook = notebooks.read_notebook(task.solution)
    found = answers.answers(task)
    counts = {STEP: len(notebooks.steps(notebook)), QUESTION: len(notebooks.questions(notebook))}
    assert {kind: sum(part.kind == kind for part in found) for kind in counts} == counts
    assert all(piece.source for answer in found.values() for piece in answer.pieces)


def test_an_answer_to_a_question_is_its_cells_in_order(place):
    answer = answers.reveal(place, Part(QUESTION, 1))
    question, cells = next(notebooks.questions_and_answers(notebooks.read_notebook(TASK.solution)))
    assert answer.title == question.source.splitlines()[0].lstrip(
        "# "
    ) and not answer.title.startswith("#")
    assert [piece.source for piece in answer.pieces] == [cell.source for cell in cells]
    assert [piece.is_code for piece in answer.pieces][0]


def test_an_answer_to_a_step_is_the_worked_cell_without_the_lines_that_mark_it(place):
    (piece,) = answers.reveal(place, Part(STEP, 1)).pieces
    worked = notebooks.steps(notebooks.read_notebook(TASK.solution))[0].source
    assert "SOLUTION" not in piece.source
    assert set(piece.source.splitlines()) < set(worked.splitlines())


def test_what_was_seen_is_noted_once(place):
    for part in (Part(QUESTION, 2), Part(STEP, 1), Part(QUESTION, 2)):
        answers.reveal(place, part)
    assert seen(place) == ["question 2", "step 1"]


def test_without_a_name_the_answer_is_to_the_step_that_the_last_check_found_missing(place):
    with progress.changing(place.root) as known:
        known.of(TASK.name).step = 2
    assert answers.reveal(place).part == Part(STEP, 2)


def test_without_a_check_it_is_the_first_not_yet_seen(place):
    assert [answers.reveal(place).part.name for _ in range(2)] == ["step 1", "step 2"]


def test_a_question_that_is_not_there_is_one_sentence_and_nothing_is_noted(place):
    with pytest.raises(TaskError, match="There is no question 99 in chapter_1/task_3; it has"):
        answers.reveal(place, Part(QUESTION, 99))
    assert seen(place) == []


def test_without_the_worked_notebooks_it_is_one_sentence(tmp_path):
    absent = replace(TASK, name=str(tmp_path / "chapter_1" / "task_3"))
    assert isinstance(absent, Task)
    with pytest.raises(TaskError, match="The worked solution cannot be read") as error:
        answers.reveal(Place(tmp_path, absent), Part(QUESTION, 1))
    assert "\n" not in str(error.value)


ANSWER = Answer(
    Part(QUESTION, 3),
    "Where is `it`?",
    (Piece(True, f"print({'x' * 100!r})  # [bold]"), Piece(False, "It is **here**, in [S3](x).")),
)


def printed(is_terminal: bool) -> str:
    out = StringIO()
    ANSWER.print(Console(file=out, force_terminal=is_terminal, width=60))
    return out.getvalue()


def test_without_a_terminal_an_answer_is_markdown():
    assert printed(False) == ANSWER.markdown + "\n"
    assert ANSWER.markdown.startswith("**Our answer to question 3.** Where is `it`?\n\n```python\n")


def test_on_a_terminal_no_line_of_code_is_cut_or_broken():
    text = re.sub(r"\x1b[^m]*m", "", printed(True))
    assert f"print({'x' * 100!r})  # [bold]" in text.splitlines()
    assert "It is here, in S3" in text
