"""The map, the table and what to do next, from the file of a learner's progress."""

import re
from pathlib import Path

import pytest

from maze_helpers import notebooks, progress_view
from maze_helpers.progress import Progress, TaskProgress
from maze_helpers.progress_view import MAP, MAP_ORDER, View, duration, look, minutes_taken
from maze_helpers.tasks import TASKS

NAMES = [task.name for task in TASKS]


def at(minute: int) -> str:
    return f"2026-03-01T{9 + minute // 60:02}:{minute % 60:02}:00+00:00"


def done(minute: int, **more) -> TaskProgress:
    return TaskProgress("Done", "All there.", checks=2, done_at=at(minute), **more)


def known(*tasks: TaskProgress) -> Progress:
    return Progress(at(0), dict(zip(NAMES, tasks, strict=False)))


def marks(view: View) -> str:
    return "".join(row.mark for row in view.rows)


@pytest.mark.parametrize("task", TASKS, ids=NAMES)
def test_the_map_is_the_notebooks_map(task):
    cell = notebooks.read_notebook(task.solution).cells[0].source
    drawn = re.search(r"```text\n(.*?)```", cell, re.DOTALL)[1].splitlines()
    place = MAP_ORDER.index(TASKS.index(task))
    blank = MAP.format(*("●" if number == place else " " for number in range(7)))
    assert drawn[:5] == blank.splitlines()


def test_nothing_done_yet_is_a_map_that_says_where_to_begin():
    view = look(known())
    assert marks(view) == "●······"
    assert "● 1 script     · 2 arguments" in view.map
    assert view.next == "Next: chapter_1/task_1, a script. Open chapter_1/task_1/training.ipynb."


def test_what_is_done_is_marked_and_the_next_one_is_here():
    view = look(known(done(10), done(25)))
    assert marks(view) == "✓✓●····"
    assert "✓ 1 script     ✓ 2 arguments  ● 3 job" in view.map
    assert "✓ done, ● you are here" in view.map


def test_here_is_the_folder_that_somebody_is_in():
    assert marks(look(known(done(10)), TASKS[5])) == "✓····●·"


def test_caught_up_is_not_done():
    caught = TaskProgress(caught_up_at=at(30))
    view = look(known(done(10), caught))
    assert marks(view) == "✓»●····"
    assert view.rows[1].verdict == "Caught up"
    assert view.rows[1].minutes is None


def test_what_the_last_check_missed_is_what_to_do_next():
    missing = TaskProgress("Not yet", "There is no train.py.", checks=1)
    assert look(known(missing)).next.endswith("The last check said: There is no train.py.")


def test_seven_done_leave_the_clean_up():
    view = look(known(*(done(10 * number) for number in range(7))))
    assert marks(view) == "✓✓✓✓✓✓✓"
    assert "All seven are done. `maze clean`" in view.next
    skipped = look(known(TaskProgress(caught_up_at=at(0)), *map(done, range(1, 7))))
    assert "All that you did not skip is done. `maze clean`" in skipped.next


def test_a_task_takes_from_the_end_of_the_one_before():
    tasks = known(done(10), TaskProgress(caught_up_at=at(15)), done(45), done(40))
    assert [minutes_taken(tasks, name) for name in NAMES[:5]] == [10, None, 5, 25, None]


def test_hints_and_answers_are_counted():
    (row, *_) = look(
        known(done(10, hints={"step 1": 3, "question 1": 1}, answers=["question 1"]))
    ).rows
    assert (row.hints, row.answers, row.minutes) == (4, 1, 10)


@pytest.mark.parametrize(
    ("minutes", "text"),
    [
        (None, ""),
        (0, "0 min"),
        (0.4, "0 min"),
        (59.4, "59 min"),
        (59.6, "1 h 0 min"),
        (80, "1 h 20 min"),
    ],
)
def test_minutes_are_said_as_people_say_them(minutes, text):
    assert duration(minutes) == text


def test_the_html_shows_what_a_check_said_and_obeys_none_of_it():
    sentence = "train.py fails with '<b>&'."
    page = look(known(TaskProgress("Not yet", sentence, checks=1))).html
    assert "&lt;b&gt;&amp;" in page and "<b>" not in page


def test_the_view_is_of_the_folder_around(tmp_path, monkeypatch):
    for name in NAMES:
        Path(tmp_path, name).mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    assert marks(progress_view.here()) == "●······"
    monkeypatch.chdir(tmp_path / NAMES[3])
    assert marks(progress_view.here()) == "···●···"
