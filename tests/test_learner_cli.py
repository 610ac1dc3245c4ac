"""The learner's commands in a terminal."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from conftest import RunningCloud

from maze_helpers import cli, judging_cli, progress
from maze_helpers.checks import CHECKS, Check, DoneDifferently, Missing
from maze_helpers.tasks import TASKS

ROOT = Path(__file__).parents[1]
COMMANDS = ["check", "hint", "answer", "note", "progress"]
TASK = "chapter_1/task_1"
CLOUD = {"MAZE_HOME", "MAZE_MODE"}
SOMEBODY = {
    "AWS_ACCESS_KEY_ID": "AKIAMINE",
    "AWS_SECRET_ACCESS_KEY": "x",
    "AWS_DEFAULT_REGION": "us-east-1",
}


@pytest.fixture
def root(tmp_path, monkeypatch) -> Path:
    """A learner's folder with all tasks; the current one."""
    for task in TASKS:
        (tmp_path / task.name).mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def maze(*arguments: str, **how) -> Result:
    """Run `maze` in this process."""
    return CliRunner().invoke(cli.main, arguments, catch_exceptions=False, **how)


def process(folder: Path, *arguments: str, **env: str) -> subprocess.CompletedProcess:
    """Run `maze` in a process of its own, whose local cloud is the one around the folder."""
    mine = {name: value for name, value in os.environ.items() if name not in CLOUD}
    return subprocess.run(
        [sys.executable, "-m", cli.__name__, *arguments],
        cwd=folder,
        env=mine | {"PYTHONPATH": str(ROOT)} | env,
        capture_output=True,
        text=True,
    )


def judged(monkeypatch, look, task: str = TASK) -> None:
    """Have a task judged by another function."""
    monkeypatch.setitem(CHECKS, task, Check(task, "a goal", look))


def missing(sentence: str, step: int | None = None):
    def look(work):
        raise Missing(sentence, step)

    return look


def broken(work):
    raise RuntimeError("oops")


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help_with_an_example(command):
    shown = maze(command, "--help")
    assert shown.exit_code == 0
    assert "Example:" in shown.output and "maze " in shown.output.split("Example:")[1]


@pytest.mark.parametrize(
    ("look", "code", "words"),
    [
        (lambda work: "right", 0, "Done · chapter 1, task 1: right"),
        (lambda work: DoneDifferently("well"), 0, "Done, differently but right"),
        (missing("no f1", 1), 1, "Hint 1 of 3 · step 1"),
        (broken, 3, "Our fault"),
    ],
    ids=["done", "differently", "missing", "broken"],
)
def test_check_says_how_it_went_by_its_exit_code(root, monkeypatch, look, code, words):
    judged(monkeypatch, look)
    shown = maze("check", TASK)
    assert shown.exit_code == code and words in shown.output
    assert progress.read(root).of(TASK).checks == 1


def test_check_knows_the_task_by_the_folder(root, monkeypatch):
    judged(monkeypatch, lambda work: f"right in {work.folder}")
    monkeypatch.chdir(root / TASK)
    assert f"right in {root / TASK}" in maze("check").output.replace("\n", "")


def test_a_task_by_its_folder_alone_is_one_of_the_same_chapter(root, monkeypatch):
    monkeypatch.chdir(root / "chapter_1/task_2")
    judged(monkeypatch, lambda work: "right")
    assert maze("check", "task_1").output.startswith("Done · chapter 1, task 1")


def test_check_of_a_path_is_of_the_folder_it_leads_to(root, monkeypatch, tmp_path_factory):
    judged(monkeypatch, lambda work: "right")
    # Another edition is around the terminal's folder.
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    (elsewhere / TASK).mkdir(parents=True)
    monkeypatch.chdir(elsewhere)
    assert maze("check", str(root / TASK)).exit_code == 0
    assert progress.read(root).of(TASK).done_at and not (elsewhere / progress.FILE).exists()


def test_check_answers_a_script_in_json(root, monkeypatch):
    judged(monkeypatch, missing("no f1", 1))
    told = json.loads(maze("check", TASK, "--json").output)
    hint = told.pop("hint")
    assert hint.startswith("Hint 1 of 3 · step 1: ")
    assert told == {
        "task": TASK,
        "done": False,
        "verdict": "Not yet",
        "sentence": "no f1",
        "step": 1,
    }


def test_check_without_a_task_looks_at_all_seven_and_shows_no_hint(root, monkeypatch):
    for task in TASKS:
        judged(monkeypatch, lambda work: "right", task.name)
    judged(monkeypatch, missing("no f1", 1))
    told = json.loads(maze("check", "--json", "--mode", "aws", env=SOMEBODY).output)["tasks"]
    assert [one["done"] for one in told] == [False, *[True] * 6]
    assert told[0]["hint"] is None and progress.read(root).of(TASK).hints == {}


def test_check_takes_the_folder_with_the_chapters(root, monkeypatch):
    for task in TASKS:
        judged(monkeypatch, lambda work: "right", task.name)
    monkeypatch.chdir(root.parent)
    told = json.loads(maze("check", root.name, "--json", "--mode", "aws", env=SOMEBODY).output)
    assert [one["task"] for one in told["tasks"]] == [task.name for task in TASKS]


def test_the_untouched_folder_is_seven_times_not_begun(new_cloud: RunningCloud, root):
    done = process(root, "check")
    lines = done.stdout.splitlines()
    assert (done.returncode, len(lines)) == (judging_cli.NOT_DONE, 7), done
    assert all(line.startswith("Not begun · chapter ") for line in lines)


@pytest.mark.slow
def test_the_untouched_folder_is_not_begun_on_aws_either(new_cloud: RunningCloud, root):
    done = process(root, "check", "--json", **on_aws(new_cloud))
    told = json.loads(done.stdout)["tasks"]
    assert {one["verdict"] for one in told} == {"Not begun"}, told


def on_aws(cloud: RunningCloud) -> dict[str, str]:
    """Return what makes a terminal one of AWS's, with the cloud in AWS's place."""
    keys = cloud.session.get_credentials()
    return {
        "MAZE_MODE": "aws",
        "AWS_ENDPOINT_URL": cloud.endpoint_url,
        "AWS_ACCESS_KEY_ID": keys.access_key,
        "AWS_SECRET_ACCESS_KEY": keys.secret_key,
        "AWS_DEFAULT_REGION": "us-east-1",
    }


def test_a_task_in_no_cloud_starts_none(root, monkeypatch):
    monkeypatch.delenv("MAZE_HOME", raising=False)
    monkeypatch.chdir(root / TASK)
    shown = maze("check")
    assert shown.exit_code == judging_cli.NOT_DONE and shown.output.startswith("Not begun")
    assert sorted(path.name for path in root.iterdir()) == [
        ".progress.json.lock",
        "chapter_1",
        "chapter_2",
        "progress.json",
    ]


def test_hints_and_answers_take_a_task_and_a_name_in_one_word_or_two(root, monkeypatch):
    for words in (["q1"], ["question", "1"], ["question 1"]):
        assert "question 1" in maze("hint", TASK, *words).output
    assert "Our answer to question 1" in maze("answer", TASK, "1").output
    monkeypatch.chdir(root / TASK)
    assert "step 2" in maze("hint", "2").output
    assert "Hint 1 of 3" in maze("hint").output
    task = progress.read(root).of(TASK)
    assert task.hints == {"question 1": 3, "step 2": 1, "step 1": 1}
    assert task.answers == ["question 1"]


def test_notes_come_as_words_or_from_standard_input_and_are_listed(root):
    maze("note", TASK, "1", "In", "this kernel.")
    maze("note", "chapter_1/task_3", "q2", "-", input="By *hand*.\n")
    assert maze("note").output == (
        "chapter_1/task_1, question 1: In this kernel.\nchapter_1/task_3, question 2: By *hand*.\n"
    )
    assert "In this kernel." in maze("note", TASK, "1").output
    assert maze("note", TASK).output == "chapter_1/task_1, question 1: In this kernel.\n"
    page = maze("note", "--markdown").output
    assert page.startswith("# Our answers\n\n## chapter_1/task_1, a script\n\n**Question 1.** ")
    assert page.endswith("\n\nBy *hand*.\n")


def test_a_note_may_begin_with_a_minus_sign(root):
    assert "-5 degrees" in maze("note", TASK, "1", "-5 degrees").output


def test_progress_answers_people_and_scripts(root):
    assert "● 1 script" in maze("progress").output
    told = json.loads(maze("progress", "--json").output)
    assert [row["task"] for row in told["tasks"]] == [task.name for task in TASKS]
    assert told["tasks"][0]["mark"] == "●" and told["next"].startswith("Next: chapter_1/task_1")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["check", "chapter_9/task_1"], "There is no task chapter_9/task_1; there are chapter_1/"),
        (["hint", "chapter_9/task_1", "2"], "There is no task chapter_9/task_1"),
        (["hint", TASK, "step 99"], "There is no step 99 in chapter_1/task_1"),
        (["hint", TASK, "why"], "There is no part called why"),
        (["hint", TASK, "load", "digits"], "There is no part called load"),
        (["hint"], "This is not a task's folder"),
        (["answer", TASK, "q99"], "There is no question 99"),
        (["note", TASK, "99", "x"], "There is no question 99"),
        (["note", TASK, "1"], "You have no note to question 1"),
        (["note"], "There is no note yet"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_a_mistake_is_one_sentence_on_stderr(root, arguments, words):
    shown = maze(*arguments)
    assert shown.exit_code == 1 and shown.stdout == ""
    assert shown.stderr.startswith(f"Error: {words}") and shown.stderr.count("\n") == 1


def test_words_too_many_are_refused(root):
    shown = maze("hint", TASK, "step 2", "please")
    assert shown.exit_code == 2 and "What is 'please'?" in shown.stderr


@pytest.mark.parametrize("command", ["check", "hint", "answer", "progress", "note"])
def test_a_damaged_progress_is_one_sentence(root, monkeypatch, command):
    (root / progress.FILE).write_text("{")
    monkeypatch.chdir(root / TASK)
    shown = maze(command)
    assert shown.exit_code == 1 and "progress.json cannot be read" in shown.stderr


@pytest.mark.parametrize("command", ["check", "progress", "note"])
def test_where_there_are_no_chapters_it_is_one_sentence(tmp_path, monkeypatch, command):
    monkeypatch.chdir(tmp_path)
    shown = maze(command)
    assert shown.exit_code == 1 and "go to the folder that `maze start` made" in shown.stderr


def test_a_damaged_progress_is_found_before_anything_is_judged(root, monkeypatch):
    (root / progress.FILE).write_text("{")
    judged(monkeypatch, lambda work: pytest.fail("judged"))
    assert maze("check", TASK).exit_code == 1
