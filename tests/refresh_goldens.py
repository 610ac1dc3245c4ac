"""Make the golden notebooks anew: `python tests/refresh_goldens.py [chapter_1/task_3 …]`.

A golden is the task's notebook with the outputs of one local run, each on a cloud of its own, as
far as they are compared: so it changes only when what a participant sees does.
"""

import os
import re
import sys
import tempfile
from pathlib import Path

import nbformat
from nbformat import NotebookNode
from nbval.plugin import get_sanitize_patterns

from maze_helpers import notebooks, runner
from maze_helpers.local_cloud import server

GOLDEN = Path(__file__).parent / "golden"
SANITIZE = Path(__file__).with_name("nbval_sanitize.cfg")
# What is not compared is not kept: pictures, and cells that differ at every run and machine.
PICTURES = {"image/png", "image/jpeg", "image/svg+xml"}
IGNORED = {"nbval-ignore-output", "nbval-skip"}


def golden_path(notebook: Path) -> Path:
    """Return where the golden of a task's notebook is kept."""
    return GOLDEN / notebook.relative_to(runner.ROOT)


def refresh(notebook: Path) -> None:
    """Run the notebook on a new local cloud and keep its outputs; raise, if it fails."""
    with tempfile.TemporaryDirectory() as scratch:
        home = Path(scratch, ".maze")
        os.environ |= {"MAZE_HOME": str(home), "MAZE_MODE": "local"}
        try:
            (result,) = runner.run([notebook], runs=Path(scratch, "runs"))
        finally:
            server.stop(home)
        if not result.passed:
            raise SystemExit(result.failure)
        executed = notebooks.read_notebook(result.notebook)
    golden = with_outputs(notebooks.read_notebook(notebook), executed)
    path = golden_path(notebook)
    path.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(golden, path)


def with_outputs(source: NotebookNode, executed: NotebookNode) -> NotebookNode:
    """Return the source with the outputs of its execution that are compared, sanitised."""
    for cell, done in zip(source.cells, executed.cells, strict=True):
        if cell.cell_type == "code":
            cell.execution_count = done.execution_count
            if not notebooks.tags(cell) & IGNORED:
                cell.outputs = [_sanitised_output(output) for output in done.outputs]
    return source


def _sanitised_output(output: NotebookNode) -> NotebookNode:
    if "text" in output:
        output.text = sanitised(output.text)
    for kind, content in output.get("data", {}).copy().items():
        if kind in PICTURES:
            del output.data[kind]
        else:
            output.data[kind] = sanitised(content)
    return output


def sanitised(text: str) -> str:
    """Return the text as nbval compares it: without what differs at every run."""
    for pattern, replacement in get_sanitize_patterns(SANITIZE.read_text()):
        text = re.sub(pattern, replacement, text)
    return text


if __name__ == "__main__":
    for path in runner.find(sys.argv[1:]):
        refresh(path)
