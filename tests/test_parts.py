"""Steps and questions are found by whatever people call them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maze_helpers import parts, tasks
from maze_helpers.parts import QUESTION, STEP, Part
from maze_helpers.tasks import TaskError


@pytest.mark.parametrize(
    ("name", "part"),
    [
        ("step 2", Part(STEP, 2)),
        ("Step  2", Part(STEP, 2)),
        ("s2", Part(STEP, 2)),
        ("step_2", Part(STEP, 2)),
        (2, Part(STEP, 2)),
        (" 2 ", Part(STEP, 2)),
        ("question 1", Part(QUESTION, 1)),
        ("q1", Part(QUESTION, 1)),
        ("Q 12", Part(QUESTION, 12)),
    ],
)
def test_a_part_has_many_names(name, part):
    assert parts.named(name) == part


def test_a_number_alone_is_of_what_is_asked_for():
    assert parts.named(1, QUESTION) == Part(QUESTION, 1)
    assert parts.named("step 1", QUESTION) == Part(STEP, 1)


@pytest.mark.parametrize("name", ["", "two", "step", "step two", "-1", "1.5", None, "q1q", 3 + 4j])
def test_what_names_no_part_is_one_sentence(name):
    with pytest.raises(TaskError, match="say step 2, or question 1"):
        parts.named(name)


@given(st.sampled_from([STEP, QUESTION]), st.integers(0, 9999))
def test_a_parts_own_name_names_it(kind, number):
    part = Part(kind, number)
    for otherwise in (STEP, QUESTION):
        assert parts.named(part.name, otherwise) == part


def test_a_part_that_a_task_has_not_is_one_sentence_with_what_there_is():
    task = tasks.TASKS[2]
    known = [Part(STEP, 1), Part(STEP, 2)]
    parts.require(Part(STEP, 2), known, task)
    with pytest.raises(TaskError, match="no step 99 in chapter_1/task_3; it has steps 1 to 2"):
        parts.require(Part(STEP, 99), known, task)
    with pytest.raises(TaskError, match="no question 1 .* it has none"):
        parts.require(Part(QUESTION, 1), known, task)


@pytest.mark.parametrize(
    ("words", "split"),
    [
        ([], (None, None, "")),
        (["chapter_1/task_3"], ("chapter_1/task_3", None, "")),
        (["chapter_9/task_3"], ("chapter_9/task_3", None, "")),
        (["2"], (None, "2", "")),
        (["step 2"], (None, "step 2", "")),
        (["step", "2"], (None, "step 2", "")),
        (["../task_1", "q", "1", "my", "answer"], ("../task_1", "q 1", "my answer")),
        (["q1", "-"], (None, "q1", "-")),
        (["1", "2 hosts"], (None, "1", "2 hosts")),
        (["1", "2"], (None, "1", "2")),
    ],
)
def test_what_somebody_typed_is_task_part_and_the_rest(words, split):
    assert parts.split(words) == split
