"""Hints come one at a time, from the general to the concrete, for every step and question."""

from collections import Counter
from pathlib import Path

import pytest

from maze_helpers import hints, notebooks, progress, tasks
from maze_helpers.boxes import Below
from maze_helpers.hints import Hint, HintsError, Topic
from maze_helpers.parts import QUESTION, STEP, Part
from maze_helpers.tasks import TASKS, Place, TaskError

EACH_TASK = pytest.mark.parametrize("task", TASKS, ids=lambda task: task.name)
TASK = TASKS[2]


@pytest.fixture
def place(tmp_path) -> Place:
    """A folder of a learner's own."""
    (tmp_path / TASK.name).mkdir(parents=True)
    return Place(tmp_path, TASK)


def all_of(place: Place, part: Part | None = None) -> list[Hint]:
    """Return the hints until there are no more."""
    return list(iter(lambda: next_or_none(place, part), None))


def next_or_none(place: Place, part: Part | None) -> Hint | None:
    found = hints.next_hint(place, part)
    return None if isinstance(found, Topic) else found


@EACH_TASK
def test_every_step_and_question_of_the_notebook_has_its_hints(task):
    notebook = notebooks.read_notebook(task.solution)
    expected = [Part(STEP, n) for n in range(1, len(notebooks.steps(notebook)) + 1)]
    expected += [Part(QUESTION, n) for n in range(1, len(notebooks.questions(notebook)) + 1)]
    assert [topic.part for topic in hints.load(hints.path_of(task))] == expected


@EACH_TASK
def test_a_task_has_two_to_four_hints_for_each_and_none_twice(task):
    topics = hints.load(hints.path_of(task))
    assert {
        topic.part: len(topic.hints) for topic in topics if not 2 <= len(topic.hints) <= 4
    } == {}
    texts = Counter(" ".join(hint.split()).lower() for topic in topics for hint in topic.hints)
    assert [text for text, times in texts.items() if times > 1] == []


@EACH_TASK
def test_names_and_hints_are_short(task):
    for topic in hints.load(hints.path_of(task)):
        assert len(topic.about) <= 60 and "\n" not in topic.about, topic.about
        for hint in topic.hints:
            assert 20 <= len(hint) and len(hint.split()) <= 90, hint


@EACH_TASK
def test_no_name_in_a_hint_turns_into_emphasis(task):
    for topic in hints.load(hints.path_of(task)):
        for hint in topic.hints:
            page = Below("", hint).html
            assert "<strong>" not in page, hint
            assert page.count("`") == 0, f"a backtick too many: {hint}"


@EACH_TASK
def test_the_last_hint_of_a_step_is_concrete(task):
    for topic in hints.load(hints.path_of(task)):
        if topic.part.kind == STEP:
            assert "`" in topic.hints[-1], f"no code in the last hint of {topic.part.name}"


def test_hints_come_one_at_a_time_and_then_no_more(place):
    part = Part(STEP, 1)
    shown = all_of(place, part)
    assert [hint.number for hint in shown] == list(range(1, len(shown) + 1))
    assert tuple(hint.text for hint in shown) == shown[0].topic.hints
    assert progress.read(place.root).of(TASK.name).hints == {"step 1": len(shown)}
    assert isinstance(hints.next_hint(place, part), Topic)


def test_without_a_name_the_hint_is_for_the_first_step_that_has_some_left(place):
    topics = hints.load(hints.path_of(TASK))
    shown = all_of(place)
    assert [hint.topic.part for hint in shown] == [
        topic.part for topic in topics for _ in topic.hints
    ]
    assert isinstance(hints.next_hint(place), Topic)


def test_without_a_name_the_hint_is_for_the_step_that_the_last_check_found_missing(place):
    with progress.changing(place.root) as known:
        known.of(TASK.name).step = 3
    assert {hint.topic.part for hint in all_of(place)} == {Part(STEP, 3)}


def test_a_step_that_is_gone_from_the_notebook_is_not_looked_for(place):
    with progress.changing(place.root) as known:
        known.of(TASK.name).step = 77
    assert hints.next_hint(place).topic.part == Part(STEP, 1)


def test_a_step_that_the_task_has_not_is_one_sentence_and_counts_nothing(place):
    with pytest.raises(
        TaskError, match="There is no step 99 in chapter_1/task_3; it has steps 1 to \\d"
    ):
        hints.next_hint(place, Part(STEP, 99))
    assert not (place.root / progress.FILE).exists()


def test_a_box_says_which_hint_of_how_many(place):
    box = hints.box(place, hints.next_hint(place, Part(QUESTION, 1)))
    assert box.headline.startswith("Hint 1 of ")
    assert box.about.startswith("chapter 1, task 3 · question 1: ")


def test_after_the_last_hint_the_box_says_where_the_answer_is(place):
    all_of(place, Part(STEP, 2))
    box = hints.box(place, hints.next_hint(place, Part(STEP, 2)))
    assert box.headline == "No more hints"
    assert '`answer("step 2")`' in box.text
    assert '`maze answer chapter_1/task_3 "step 2"`' in box.text


GOOD = "steps: [{step: a name, hints: [one, two]}]\nquestions: []\n"


def test_what_is_written_as_it_should_be_is_read(tmp_path):
    (tmp_path / "h.yaml").write_text(GOOD)
    assert hints.load(tmp_path / "h.yaml") == [Topic(Part(STEP, 1), "a name", ("one", "two"))]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("steps: [", "cannot be read"),
        ("a: \x00", "cannot be read"),
        ("", "needs two lists"),
        ("steps: []\n", "needs two lists"),
        ("steps: []\nquestions: []\n", "has no hints"),
        (GOOD + "more: 1\n", "needs two lists"),
        ("steps: {}\nquestions: []\n", "`steps` is no list"),
        ("steps: [1]\nquestions: []\n", "step 1 needs `step` and `hints`"),
        ("steps: [{step: a}]\nquestions: []\n", "step 1 needs `step` and `hints`"),
        ("steps: [{question: a, hints: [b]}]\nquestions: []\n", "step 1 needs `step` and `hints`"),
        ("steps: [{step: a, hints: []}]\nquestions: []\n", "step 1 needs a short name and a list"),
        ("steps: [{step: a, hints: one}]\nquestions: []\n", "step 1 needs a short name"),
        ("steps: [{step: a, hints: [1]}]\nquestions: []\n", "step 1 needs a short name"),
        ("steps: []\nquestions: [{question: '', hints: [b]}]\n", "question 1 needs a short name"),
    ],
)
def test_what_an_author_got_wrong_is_one_sentence(tmp_path, text, words):
    (tmp_path / "h.yaml").write_text(text)
    with pytest.raises(HintsError, match=words) as error:
        hints.load(tmp_path / "h.yaml")
    assert "\n" not in str(error.value) and str(tmp_path) in str(error.value)


def test_missing_hints_are_one_sentence(tmp_path):
    with pytest.raises(HintsError, match="There are no hints: .* is missing"):
        hints.load(tmp_path / "h.yaml")


def test_there_is_a_file_for_each_task_and_no_other():
    files = {path.name for path in Path(tasks.ROOT / "data" / "hints").iterdir()}
    assert files == {hints.path_of(task).name for task in TASKS}
