"""A learner's own answers are kept and listed for the review round."""

import pytest

from maze_helpers import notes, progress
from maze_helpers.notes import NoteError
from maze_helpers.tasks import TASKS, Place, TaskError


@pytest.fixture
def place(tmp_path) -> Place:
    """A folder of a learner's own."""
    return Place(tmp_path, TASKS[2])


def test_a_note_is_kept_as_it_is(place):
    notes.keep(place, 1, "  Zwei *Maschinen*,\nund `S3`. \n")
    assert notes.kept(place, "q1").text == "Zwei *Maschinen*,\nund `S3`."
    assert progress.read(place.root).of("chapter_1/task_3").notes == {
        "question 1": "Zwei *Maschinen*,\nund `S3`."
    }


def test_a_later_note_takes_the_place_of_an_earlier_one(place):
    notes.keep(place, 1, "first")
    notes.keep(place, "question 1", "second")
    assert [note.text for note in notes.every(place.root)] == ["second"]


def test_notes_are_listed_in_the_order_of_tasks_and_questions(place):
    notes.keep(place, 2, "c")
    notes.keep(place, 1, "b")
    notes.keep(Place(place.root, TASKS[0]), 1, "a")
    assert [note.text for note in notes.every(place.root)] == ["a", "b", "c"]
    assert [note.text for note in notes.of_task(place)] == ["b", "c"]


def test_the_page_for_the_review_has_the_questions_and_the_notes(place):
    notes.keep(place, 1, "As **folders**.")
    page = notes.markdown(notes.every(place.root))
    assert page.startswith(
        "# Our answers\n\n## chapter_1/task_3, a training job\n\n**Question 1.** "
    )
    assert page.endswith("\n\nAs **folders**.")
    assert "how SageMaker passes train and test data" in page


def test_a_note_without_text_is_refused(place):
    with pytest.raises(NoteError, match="has no text"):
        notes.keep(place, 1, " \n")


def test_a_note_to_a_question_that_is_not_there_is_refused(place):
    with pytest.raises(TaskError, match="There is no question 99 in chapter_1/task_3"):
        notes.keep(place, 99, "x")
    assert notes.every(place.root) == []


def test_a_note_that_is_not_there_is_one_sentence(place):
    with pytest.raises(NoteError, match="You have no note to question 1 of chapter_1/task_3 yet"):
        notes.kept(place, 1)
