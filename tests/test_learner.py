"""What a learner calls in a cell: one task's folder, five verdicts, and never a traceback."""

import json
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient
from nbformat.v4 import new_code_cell, new_notebook

from maze_helpers import hints, learner, progress
from maze_helpers.checks import (
    CHECKS,
    Check,
    CheckFailed,
    DoneDifferently,
    Missing,
    NothingYet,
    Work,
)
from maze_helpers.kernel import CurrentInterpreter
from maze_helpers.local_cloud.errors import MazeError
from maze_helpers.tasks import TASKS

ROOT = Path(__file__).parents[1]
TASK = "chapter_1/task_1"
# It prints no score and saves no model.
WRONG = "print('hello')"


@pytest.fixture
def root(tmp_path, monkeypatch) -> Path:
    """A learner's folder with all tasks, seen from the first."""
    for task in TASKS:
        (tmp_path / task.name).mkdir(parents=True)
    monkeypatch.chdir(tmp_path / TASK)
    return tmp_path


def judged_by(monkeypatch, look) -> None:
    """Have the first task judged by another function."""
    monkeypatch.setitem(CHECKS, TASK, Check("chapter 1, task 1", "a goal", look))


def raising(error: Exception):
    def look(work: Work):
        raise error

    return look


def kept(root: Path) -> progress.TaskProgress:
    return progress.read(root).of(TASK)


# check


def test_what_is_done_is_shown_and_kept(root, monkeypatch, capsys):
    judged_by(monkeypatch, lambda work: f"train.py is in {work.folder.name}.")
    learner.check()
    assert capsys.readouterr().out == "Done · chapter 1, task 1: train.py is in task_1.\n"
    task = kept(root)
    assert (task.verdict, task.sentence, task.checks) == ("Done", "train.py is in task_1.", 1)
    assert task.done_at == task.first_check_at is not None


def test_what_is_done_differently_is_done(root, monkeypatch, capsys):
    judged_by(monkeypatch, lambda work: DoneDifferently("by a pipeline."))
    learner.check()
    assert "Done, differently but right · chapter 1, task 1" in capsys.readouterr().out
    assert kept(root).done_at


def test_what_is_not_begun_stops_the_notebook_and_starts_no_clock(root, monkeypatch):
    judged_by(monkeypatch, raising(NothingYet("Write train.py first.")))
    with pytest.raises(CheckFailed, match="Not begun · chapter 1, task 1: Write train.py first."):
        learner.check()
    assert (kept(root).checks, kept(root).first_check_at) == (1, None)


def test_a_hint_after_not_begun_is_for_the_step_it_speaks_of(root, monkeypatch, capsys):
    judged_by(monkeypatch, raising(NothingYet("Write train.py first.", step=2)))
    with pytest.raises(CheckFailed) as failed:
        learner.check()
    assert "Hint" not in str(failed.value) and kept(root).hints == {}
    learner.hint()
    assert "Hint 1 of 3 · chapter 1, task 1 · step 2" in capsys.readouterr().out


def test_what_is_missing_comes_with_the_next_hint_of_its_step_until_there_are_no_more(
    root, monkeypatch
):
    topic = hints.load(hints.path_of(TASKS[0]))[0]
    for number, hint in enumerate(topic.hints, 1):
        judged_by(monkeypatch, raising(Missing(f"Try {number} prints no f1.", step=1)))
        with pytest.raises(CheckFailed) as failed:
            learner.check()
        assert f"Hint {number} of {len(topic.hints)} · step 1: {topic.about}" in str(failed.value)
        assert str(failed.value).endswith(hint)
    judged_by(monkeypatch, raising(Missing("The last try prints no f1.", step=1)))
    with pytest.raises(CheckFailed, match="No more hints for step 1\n.*`maze answer"):
        learner.check()
    task = kept(root)
    assert (task.verdict, task.step, task.hints) == ("Not yet", 1, {"step 1": len(topic.hints)})
    assert task.first_check_at and task.done_at is None


def test_a_second_look_at_the_same_costs_no_hint(root, monkeypatch):
    judged_by(monkeypatch, raising(Missing("train.py prints no f1.", step=1)))
    for _ in range(3):
        with pytest.raises(CheckFailed, match=r"Hint 1 of 3 · step 1") as failed:
            learner.check()
    assert "`maze hint`, has the next hint" in str(failed.value)
    assert kept(root).hints == {"step 1": 1}
    learner.hint(1)
    with pytest.raises(CheckFailed, match=r"Hint 2 of 3 · step 1"):
        learner.check()


def test_what_is_missing_in_no_step_costs_no_hint(root, monkeypatch):
    judged_by(monkeypatch, raising(Missing("The endpoint is gone.")))
    with pytest.raises(CheckFailed) as failed:
        learner.check()
    assert str(failed.value) == "Not yet · chapter 1, task 1: The endpoint is gone."
    assert kept(root).hints == {}


def test_a_step_without_hints_leaves_the_verdict_as_it_is(root, monkeypatch):
    judged_by(monkeypatch, raising(Missing("The step is gone.", step=77)))
    with pytest.raises(CheckFailed, match="The step is gone.\n\nNo hint\nThere is no step 77"):
        learner.check()


def test_a_check_that_breaks_is_our_fault_with_where_to_report_it(root, monkeypatch):
    judged_by(monkeypatch, raising(RuntimeError("oops")))
    with pytest.raises(CheckFailed, match="Our fault · .*RuntimeError: oops.*not judged") as failed:
        learner.check()
    assert "`maze doctor`" in str(failed.value)
    assert kept(root).verdict == "Our fault" and kept(root).done_at is None


def test_the_work_is_looked_for_from_the_start_on(root, monkeypatch, capsys):
    with progress.changing(root) as known:
        known.started_at = "2026-03-01T09:00:00+00:00"
    judged_by(monkeypatch, lambda work: work.since.isoformat())
    learner.check()
    assert "2026-03-01T09:00:00+00:00" in capsys.readouterr().out


def test_the_time_of_the_first_done_stays(root, monkeypatch, capsys):
    judged_by(monkeypatch, lambda work: "right")
    learner.check()
    with progress.changing(root) as known:
        known.of(TASK).done_at = known.of(TASK).first_check_at = "2026-03-01T09:00:00+00:00"
    learner.check()
    judged_by(monkeypatch, raising(Missing("It still bills.", step=1)))
    with pytest.raises(CheckFailed, match="It still bills.\n\nDone before\nThe task stays done"):
        learner.check()
    task = kept(root)
    assert task.hints == {}
    assert task.done_at == task.first_check_at == "2026-03-01T09:00:00+00:00"
    assert (task.verdict, task.checks) == ("Not yet", 3)


def test_the_first_tasks_own_check_says_where_to_begin(root):
    with pytest.raises(CheckFailed, match="Not begun · chapter 1, task 1: .*train.py"):
        learner.check()


# hint, answer, note, progress


def test_hint_shows_the_next_one_for_what_it_is_asked(root, capsys):
    learner.hint(2)
    learner.hint("q1")
    shown = capsys.readouterr().out
    assert "Hint 1 of 3 · chapter 1, task 1 · step 2" in shown
    assert "Hint 1 of 3 · chapter 1, task 1 · question 1" in shown
    assert kept(root).hints == {"step 2": 1, "question 1": 1}


def test_answer_shows_what_it_is_asked(root, capsys):
    learner.answer(1)
    learner.answer("step 1")
    shown = capsys.readouterr().out
    assert "**Our answer to question 1.**" in shown and "**Our answer to step 1.**" in shown
    assert kept(root).answers == ["question 1", "step 1"]


def test_a_note_is_kept_and_shown_again(root, capsys):
    learner.note(1, "In this kernel.")
    learner.note(1)
    shown = capsys.readouterr().out
    assert shown.count("Your note · chapter 1, task 1 · question 1") == 2
    assert shown.count("In this kernel.") == 2


def test_progress_is_shown_in_a_task_and_around_the_tasks(root, monkeypatch, capsys):
    learner.progress()
    assert "● 1 script" in capsys.readouterr().out
    monkeypatch.chdir(root)
    learner.progress()
    assert "Next: chapter_1/task_1" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: learner.hint("step 99"), "There is no step 99"),
        (lambda: learner.hint(0), "There is no step 0"),
        (lambda: learner.hint("why"), "There is no part called why"),
        (lambda: learner.answer(99), "There is no question 99"),
        (lambda: learner.note(99, "x"), "There is no question 99"),
        (lambda: learner.note(1, ""), "has no text"),
        (lambda: learner.note(1), "You have no note"),
        (lambda: learner.note(), r"Call it as note\(question, text\), .* missing"),
        (lambda: learner.check("chapter_1/task_3"), r"Call it as check\(\), .* too many"),
    ],
    ids=str.split("hint-99 hint-0 hint-why answer-99 note-99 note-empty note-1 note check-task"),
)
def test_a_mistake_is_one_sentence(root, call, words):
    with pytest.raises(MazeError, match=words) as error:
        call()
    assert "\n" not in str(error.value)


VERBS = ["check", "hint", "answer", "progress"]


@pytest.mark.parametrize("verb", VERBS)
def test_a_damaged_progress_is_one_sentence(root, verb):
    (root / progress.FILE).write_text("{")
    with pytest.raises(MazeError, match="progress.json cannot be read"):
        getattr(learner, verb)()


@pytest.mark.parametrize("verb", VERBS)
def test_outside_of_a_tasks_folder_it_is_one_sentence(tmp_path, monkeypatch, verb):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(MazeError, match="This is not a task's folder|There are no chapters here"):
        getattr(learner, verb)()


# Where they are called


def test_outside_of_notebooks_the_next_error_alone_goes_without_its_traceback(root, capsys):
    usual = sys.excepthook
    with pytest.raises(MazeError) as error:
        learner.hint(99)
    sys.excepthook(error.type, error.value, error.tb)
    assert capsys.readouterr().err == f"{error.value}\n"
    assert sys.excepthook is usual


def python(folder: Path, *lines: str, **how) -> subprocess.CompletedProcess:
    """Run lines in a Python of their own, as a script or as somebody types them."""
    text = "\n".join(["import sys", f"sys.path.insert(0, {str(ROOT)!r})", *lines, ""])
    arguments = ["-i", "-q"] if how else ["-c", text]
    return subprocess.run(
        [sys.executable, *arguments],
        input=text if how else None,
        cwd=folder,
        capture_output=True,
        text=True,
    )


@pytest.mark.slow
def test_a_script_ends_with_the_sentence_alone(root):
    done = python(root / TASK, "from maze_helpers.learner import hint", "hint(99)")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("There is no step 99") and done.stderr.count("\n") == 1


@pytest.mark.slow
def test_a_plain_prompt_shows_the_sentence_and_goes_on_with_usual_tracebacks(root):
    lines = ["from maze_helpers.learner import check, hint", "hint(99)", "1 / 0", "check()"]
    done = python(root / TASK, *lines, typed=True)
    shown = done.stderr
    assert "There is no step 99" in shown and "Not begun · chapter 1, task 1" in shown
    assert shown.count("Traceback") == 1 and "ZeroDivisionError" in shown


@pytest.fixture(scope="module")
def cells(tmp_path_factory) -> list[list[dict]]:
    """What the cells of a learner's notebook show, in a kernel of its own."""
    folder = tmp_path_factory.mktemp("notebook") / TASK
    folder.mkdir(parents=True)
    (folder / "train.py").write_text(WRONG)
    sources = [
        f"import sys; sys.path.insert(0, {str(ROOT)!r})\n"
        "from maze_helpers.learner import answer, check, hint, note, progress",
        "check()",
        "hint(99)",
        "hint()",
        "answer(1)",
        "note(1, 'In `this` kernel.')",
        "progress()",
    ]
    notebook = new_notebook(cells=[new_code_cell(source) for source in sources])
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        NotebookClient(
            notebook,
            allow_errors=True,
            startup_timeout=600,
            kernel_manager_class=CurrentInterpreter,
        ).execute()
    nbformat.validate(notebook)
    return [cell.outputs for cell in notebook.cells]


def test_a_cell_shows_the_verdict_in_a_box_and_stops_with_one_line(cells):
    box, error = cells[1]
    assert "Not yet" in box["data"]["text/html"] and "Hint 1 of" in box["data"]["text/html"]
    assert box["data"]["text/plain"].startswith("Not yet · chapter 1, task 1: ")
    assert (error["output_type"], error["ename"]) == ("error", "CheckFailed")
    assert error["evalue"].startswith("Not yet · chapter 1, task 1: ")
    assert error["traceback"] == [
        "The task is not done, so a run of the whole notebook stops here."
    ]


def test_a_mistake_in_a_cell_is_one_line(cells):
    (error,) = cells[2]
    (line,) = error["traceback"]
    assert line.startswith("TaskError: There is no step 99")


def test_cells_show_hints_answers_notes_and_the_map(cells):
    shown = [output["data"] for outputs in cells[3:] for output in outputs]
    assert "Hint 2 of" in shown[0]["text/html"]
    assert "```python" in shown[1]["text/markdown"] or "answer" in shown[1]["text/markdown"]
    assert "<code>this</code>" in shown[2]["text/html"]
    assert "● 1 script" in shown[3]["text/html"]
    assert json.dumps(shown).count("Traceback") == 0
