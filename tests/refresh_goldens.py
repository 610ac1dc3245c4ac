"""Make the golden notebooks anew: `python tests/refresh_goldens.py [chapter_1/task_3 …]`.

A golden is the task's notebook with the outputs of one local run, each on a cloud of its own.
Look at the difference before you commit it: what changed is what a participant would see.
"""

import os
import sys
import tempfile
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from maze_helpers import notebooks, runner
from maze_helpers.local_cloud import server

GOLDEN = Path(__file__).parent / "golden"
# Pictures are not compared, and would be most of the files.
NOT_KEPT = {"image/png", "image/jpeg", "image/svg+xml"}


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
    """Return the source with the outputs of its execution, without their pictures."""
    for cell, done in zip(source.cells, executed.cells, strict=True):
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = done.outputs, done.execution_count
            for output in cell.outputs:
                for kind in NOT_KEPT & set(output.get("data", {})):
                    del output.data[kind]
    return source


if __name__ == "__main__":
    for path in runner.find(sys.argv[1:]):
        refresh(path)
