"""Work on one cloud, and a learner whose own local cloud is another: mode="aws" finds the first."""

import os
import subprocess
import sys
from pathlib import Path

import boto3
import checked_jobs
import editions
import pytest
from checked_work import as_on_aws
from test_edition_solved import execute
from training_job import wait_for_job

from maze_helpers import cli, tasks
from maze_helpers.tasks import TASKS

AS_DNS = Path(__file__).parent / "aws_is_a_second_cloud"
JOBS = [task.name for task in TASKS[2:4]]
IN_A_CELL = """
from maze_helpers.session import connect
from maze_helpers.learner import check
connect({mode!r})
check()
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A learner's folder, whose local cloud runs and has nothing on it."""
    with editions.started(tmp_path_factory.mktemp("somebody") / "maze-work") as folder:
        yield folder


@pytest.fixture(scope="module")
def on_aws(folder, local_cloud):
    """The environment of somebody with keys and an address of the other cloud."""
    with as_on_aws(local_cloud):
        yield dict(os.environ)


@pytest.fixture(scope="module")
def jobs(folder, on_aws):
    """The work of the third and the fourth task, made by boto3 alone."""
    plain = boto3.Session()
    checked_jobs.prepare(plain)
    names = [f"maze-task-{number}-plain" for number in (3, 4)]
    for name in names:
        checked_jobs.start(plain, name, checked_jobs.script())
    for name in names:
        wait_for_job(plain, name)


def run(folder, on_aws, *arguments, mode=None):
    """Return how a command ends, and its output. mode: None for the environment's own choice."""
    kept = {name: value for name, value in on_aws.items() if not name.startswith("MAZE_")}
    chosen = {} if mode is None else {"MAZE_MODE": mode}
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=folder,
        env=kept | {"PYTHONPATH": str(tasks.ROOT)} | chosen,
        capture_output=True,
        text=True,
    )
    return done.returncode, done.stdout + done.stderr


def check(folder, task, on_aws, *options, mode=None):
    """Return how `maze check` ends in the task's folder, and what it says."""
    return run(folder / task, on_aws, "-m", cli.__name__, "check", *options, mode=mode)


@pytest.mark.parametrize("task", JOBS)
@pytest.mark.parametrize("way", ["option", "variable"])
def test_a_terminal_finds_the_jobs_on_aws(folder, jobs, on_aws, task, way):
    if way == "option":
        code, said = check(folder, task, on_aws, "--mode", "aws")
    else:
        code, said = check(folder, task, on_aws, mode="aws")
    assert code == 0 and said.startswith("Done · ") and "-plain" in said, said


@pytest.mark.parametrize("task", JOBS)
def test_a_terminal_finds_no_jobs_on_the_local_cloud(folder, jobs, on_aws, task):
    code, said = check(folder, task, on_aws)
    assert code == 1 and said.startswith("Not begun · "), said


@pytest.mark.parametrize(("mode", "verdict"), [("aws", "Done"), ("local", "Not begun")])
def test_a_notebook_looks_where_it_is_connected_to(folder, jobs, on_aws, mode, verdict):
    program = IN_A_CELL.format(mode=mode)
    code, said = run(folder / JOBS[0], on_aws, "-c", program)
    assert code == (verdict != "Done") and said.startswith(f"{verdict} · "), said


@pytest.mark.slow
def test_the_seven_tasks_solved_on_aws_are_done_there(folder, on_aws, monkeypatch):
    monkeypatch.setenv("MAZE_MODE", "aws")
    monkeypatch.setenv("PYTHONPATH", str(AS_DNS))
    for task in TASKS:
        notebook = folder / task.name / task.notebook
        editions.solve(notebook, task)
        execute(notebook, monkeypatch)
        code, said = check(folder, task.name, on_aws, mode="aws")
        assert (code, said.partition(" · ")[0]) == (0, "Done"), said
        if task.in_cloud:
            code, said = check(folder, task.name, on_aws, mode="local")
            assert code == 1 and said.startswith(("Not begun · ", "Not yet · ")), said
