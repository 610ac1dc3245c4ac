"""What `maze check` does: one task's verdict with its hint, or all seven in a table."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from maze_helpers import tasks
from maze_helpers.boxes import Below, badge, with_code
from maze_helpers.checks import OurFault
from maze_helpers.checks.display import COLOURS, verdict_box
from maze_helpers.cli_options import print_json
from maze_helpers.judging import Judgement, help_with, judge
from maze_helpers.tasks import TASKS, Place, TaskError

# How `maze check` exits.
DONE, NOT_DONE, OUR_FAULT = 0, 1, 3
NOT_YOURS = "These are the worked notebooks: `maze start` makes a folder of your own to play in."


def check(task: str | None, mode: str | None, as_json: bool) -> int:
    """Print the verdict on a task, or on all where no task is; return the exit code."""
    if task is not None and tasks.has_chapters(Path(task)):
        return _check_all(Path(task).resolve(), mode, as_json)
    try:
        place = tasks.here(task)
    except TaskError:
        if task is not None:
            raise
        return _check_all(tasks.root(), mode, as_json)
    _work_in(place.root)
    judgement = judge(place, mode)
    below = help_with(judgement)
    if as_json:
        print_json(_as_json(judgement, below))
    else:
        verdict_box(judgement.place.task.label, judgement.verdict, *below).print(Console())
    return _exit_code([judgement])


def _check_all(root: Path, mode: str | None, as_json: bool) -> int:
    _work_in(root)
    console = Console()
    judgements = []
    for task in TASKS:
        with console.status(f"Looking at {task.name}"):
            judgements.append(judge(Place(root, task), mode))
    if as_json:
        print_json({"tasks": [_as_json(judgement) for judgement in judgements]})
    else:
        _print_all(judgements, console)
        if root == tasks.ROOT:
            console.print(NOT_YOURS, highlight=False, soft_wrap=True)
    return _exit_code(judgements)


def _work_in(root: Path) -> None:
    """Go to the folder with the chapters: its local cloud is the one that counts."""
    os.chdir(root)


def _print_all(judgements: Sequence[Judgement], console: Console) -> None:
    if not console.is_terminal:
        for one in judgements:
            print(verdict_box(one.place.task.label, one.verdict).line)
        return
    table = Table(box=None, pad_edge=False, padding=(0, 1, 1, 0), show_header=False)
    for one in judgements:
        headline = badge(one.verdict.headline, COLOURS[type(one.verdict)])
        table.add_row(headline, one.place.task.name, with_code(one.verdict.sentence))
    console.print(table)


def _as_json(judgement: Judgement, below: Sequence[Below] = ()) -> dict[str, Any]:
    return {
        "task": judgement.place.task.name,
        "done": judgement.is_done,
        "verdict": judgement.verdict.headline,
        "sentence": judgement.verdict.sentence,
        "step": judgement.step,
        "hint": "\n".join(part.plain for part in below) or None,
    }


def _exit_code(judgements: Sequence[Judgement]) -> int:
    if any(isinstance(judgement.verdict, OurFault) for judgement in judgements):
        return OUR_FAULT
    return DONE if all(judgement.is_done for judgement in judgements) else NOT_DONE
