"""nbval runs every notebook and compares each output with the golden one.

After a change on purpose: `python tests/refresh_goldens.py`, and look at the difference.
"""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import nbformat
import pytest
from refresh_goldens import IGNORED, SANITIZE, golden_path, sanitised

from maze_helpers import notebooks, runner
from maze_helpers.local_cloud import server

NOTEBOOKS = sorted(runner.ROOT.glob("chapter_*/task_*/*.ipynb"))
# At least so many cells of a notebook have an output that is compared.
COMPARED_AT_LEAST = 8


def task_of(path: Path) -> str:
    return "/".join(path.parts[-3:-1])


def code_cells(path: Path) -> list:
    return notebooks.code_cells(notebooks.read_notebook(path))


def run_nbval(folder: Path, golden: Path) -> dict[str, str | None]:
    """Return each cell's failure, or None, with the golden run by nbval in a folder like ours."""
    here = folder / "checkout" / task_of(golden)
    here.mkdir(parents=True)
    shutil.copytree(runner.ROOT / "data", folder / "checkout" / "data")
    shutil.copy(golden, here)
    home = folder / ".maze"
    environment = {name: value for name, value in os.environ.items() if "PYTEST" not in name}
    environment |= {"MAZE_HOME": str(home), "MAZE_MODE": os.environ.get("MAZE_MODE", "local")}
    command = [sys.executable, "-m", "pytest", "--nbval", "--nbval-current-env", "-q"]
    command += ["--color=no", "-p", "no:cacheprovider", "--junitxml=junit.xml"]
    command += [f"--nbval-sanitize-with={SANITIZE}", golden.name]
    try:
        done = subprocess.run(command, cwd=here, env=environment, capture_output=True, text=True)
    finally:
        server.stop(home)
    assert done.returncode in (0, 1), done.stdout + done.stderr
    cases = ElementTree.parse(here / "junit.xml").iter("testcase")
    failures = {case.get("name"): case.find("failure") for case in cases}
    return {name: None if node is None else node.text for name, node in failures.items()}


@pytest.mark.parametrize("path", NOTEBOOKS, ids=task_of)
def test_the_golden_is_the_notebook_with_outputs(path):
    ours = notebooks.read_notebook(path).cells
    golden = notebooks.read_notebook(golden_path(path)).cells
    assert [cell.source for cell in golden] == [cell.source for cell in ours]
    assert [cell.metadata for cell in golden] == [cell.metadata for cell in ours]
    assert all(cell.execution_count for cell in golden if cell.cell_type == "code")


@pytest.mark.parametrize("path", NOTEBOOKS, ids=task_of)
def test_enough_cells_are_compared(path):
    compared = [
        cell
        for cell in code_cells(golden_path(path))
        if cell.outputs and not notebooks.tags(cell) & IGNORED
    ]
    assert len(compared) >= COMPARED_AT_LEAST


@pytest.mark.parametrize("path", NOTEBOOKS, ids=task_of)
def test_a_run_gives_what_the_golden_shows(path, tmp_path):
    failures = run_nbval(tmp_path, golden_path(path))
    assert len(failures) == len(code_cells(path))
    assert {name: text for name, text in failures.items() if text} == {}


@pytest.mark.slow
def test_a_changed_number_fails_its_cell_alone(tmp_path):
    golden = golden_path(runner.ROOT / "chapter_1/task_1/training.ipynb")
    changed = tmp_path / task_of(golden) / golden.name
    changed.parent.mkdir(parents=True)
    number = change_a_metric(golden, changed)
    failures = run_nbval(tmp_path, changed)
    assert [name for name, text in failures.items() if text] == [f"Cell {number}"]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=task_of)
def test_the_golden_holds_nothing_of_the_machine_it_was_made_on(path):
    text = golden_path(path).read_text()
    assert not re.search(r"/(home|Users|root|tmp|work|private)/", text)


def change_a_metric(golden: Path, changed: Path) -> int:
    """Write a golden whose f1 has another last digit; return the number of its code cell."""
    notebook = notebooks.read_notebook(golden)
    for number, cell in enumerate(notebooks.code_cells(notebook)):
        for output in cell.outputs:
            match = re.search(r"f1=0\.\d*(\d)\s", output.get("text", ""))
            if match:
                digit = str((int(match[1]) + 1) % 10)
                text = output.text
                output.text = text[: match.start(1)] + digit + text[match.end(1) :]
                nbformat.write(notebook, changed)
                return number
    raise AssertionError("no cell prints f1")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("maze-task-3-2026-11-21-21-01-10-879 left", "maze-task-3-JOB-TIME left"),
        ("job/algo-1-1795294918", "job/algo-1-EPOCH"),
        ("2026-11-21 21:01:14 Starting", "TIME Starting"),
        ("at 2026-11-21T21:01:14.879Z.", "at TIME."),
        ("took 1.5 of 2.25 s, 3 ms", "took 1.5 of N s, N ms"),
        ("   52.9 KiB data", "   N KiB data"),
        ("would have cost on AWS 0.0003 USD", "would have cost on AWS N USD"),
        ("and has answered 177 calls.", "and has answered N calls."),
        ("arn:aws:iam::111122223333:role/x", "arn:aws:iam::ACCOUNT:role/x"),
        ("http://127.0.0.1:4566/", "http://127.0.0.1:PORT/"),
        ("scikit-learn 1.9.1, Python 3.11.7", "scikit-learn VERSION, Python VERSION"),
        ("{'f1': np.float64(0.725)}", "{'f1': 0.725}"),
    ],
)
def test_what_differs_at_every_run_is_replaced(text, expected):
    assert sanitised(text) == sanitised(expected) == expected


@pytest.mark.parametrize(
    "text",
    [
        "accuracy=0.9753",
        "f1 0.13",
        "97.5% of 364 held-out digits",
        "20 rounds",
        "0.115 USD an hour",
        "round=1 trees=20 train:accuracy=1.0000 validation:accuracy=0.9477",
        "{'accuracy': 0.7252747252747253}",
    ],
)
def test_what_a_run_must_give_again_is_kept(text):
    assert sanitised(text) == text
