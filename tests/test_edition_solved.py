"""A learner's folder from the start to the seventh task done, on its own local cloud."""

import os
import subprocess
import sys

import editions
import papermill
import pytest

from maze_helpers import cli, notebooks, tasks
from maze_helpers.kernel import CurrentInterpreter
from maze_helpers.tasks import TASKS

CELL_TIMEOUT_S = 300


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A learner's folder, whose local cloud runs."""
    with editions.started(tmp_path_factory.mktemp("somebody") / "maze-work") as folder:
        yield folder


def outside(**changed):
    """Return an environment in which no other maze is set."""
    mazeless = {name: value for name, value in os.environ.items() if not name.startswith("MAZE_")}
    return mazeless | {"PYTHONPATH": str(tasks.ROOT)} | changed


def check(folder, task):
    """Return how `maze check` ends in the task's folder, and what it says."""
    command = [sys.executable, "-m", cli.__name__, "check"]
    done = subprocess.run(
        command, cwd=folder / task.name, env=outside(), capture_output=True, text=True
    )
    assert done.stderr == ""
    return done.returncode, done.stdout


def execute(path, monkeypatch):
    """Run a notebook where it is, as somebody does in JupyterLab."""
    monkeypatch.delenv("MAZE_HOME", raising=False)
    papermill.execute_notebook(
        path,
        path,
        cwd=path.parent,
        kernel_name="python3",
        language="python",
        kernel_manager_class=CurrentInterpreter,
        execution_timeout=CELL_TIMEOUT_S,
        progress_bar=False,
    )


def write_the_scripts(folder, task):
    """Leave what the cells with %%writefile write, as somebody does who only runs them."""
    for cell in notebooks.read_notebook(folder / task.name / task.notebook).cells:
        first, _, script = cell.source.partition("\n")
        if first.startswith("%%writefile "):
            path = folder / task.name / first.removeprefix("%%writefile ")
            path.parent.mkdir(exist_ok=True)
            path.write_text(script)


@pytest.mark.slow
@pytest.mark.parametrize("leave", [None, write_the_scripts], ids=["new", "run"])
def test_the_untouched_edition_is_seven_times_not_begun(folder, leave):
    for task in TASKS:
        if leave:
            leave(folder, task)
        code, said = check(folder, task)
        assert code == 1 and said.startswith("Not begun · "), said


@pytest.mark.slow
@pytest.mark.parametrize("task", TASKS, ids=lambda task: task.name)
def test_an_edition_filled_with_the_solution_is_done(folder, task, monkeypatch):
    notebook = folder / task.name / task.notebook
    editions.solve(notebook, task)
    execute(notebook, monkeypatch)
    code, said = check(folder, task)
    assert (code, said.partition(" · ")[0]) == (0, "Done"), said
