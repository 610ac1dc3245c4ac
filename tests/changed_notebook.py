"""A task's notebook, run with some of its source changed: its answers must follow."""

from pathlib import Path

import nbformat

from maze_helpers import notebooks, runner
from maze_helpers.run_report import Result


def run_changed(path: Path, folder: Path, **changes: tuple[str, str]) -> Result:
    """Return how a copy of a notebook ended that was run in local mode.

    changes: by the cell's id without its prefix, what is replaced in its source, and by what.
    """
    notebook = notebooks.read_notebook(path)
    for cell_id, (old, new) in changes.items():
        [cell] = [c for c in notebook.cells if c.id.partition("-")[2] == cell_id]
        assert old in cell.source
        cell.source = cell.source.replace(old, new)
    changed = folder.joinpath(*path.parts[-3:])
    changed.parent.mkdir(parents=True)
    nbformat.write(notebook, changed)
    [result] = runner.run([changed], "local", runs=folder / "runs")
    return result


def printed_answers(result: Result) -> str:
    """Return what the answers of a notebook that passed print."""
    assert result.passed, result.failure
    executed = nbformat.read(result.notebook, as_version=4)
    cells = notebooks.tagged(executed, "answer")
    texts = [o.text for c in cells for o in c.get("outputs", []) if o.output_type == "stream"]
    return "".join(texts)
