"""The commands of `maze` for learners. What a command needs is imported inside it."""

import sys
from pathlib import Path

import click

from maze_helpers.cli_options import json_option, mode_option, print_json

# How `maze check` exits, unless every task asked for is done.
NOT_DONE, OUR_FAULT = 1, 3


@click.group()
def learner() -> None:
    """What a learner calls; the commands are registered in maze_helpers.cli."""


@learner.command()
@click.argument("folder", default="maze-work", type=click.Path(path_type=Path))
def start(folder: Path) -> None:
    """Make your own edition of the notebooks, to fill in.

    FOLDER: maze-work in the current folder, if none is given. What you have there stays as it
    is; what is missing is added.
    Example: maze start
    """
    from maze_helpers import slow_imports

    slow_imports.leave_out()
    from maze_helpers.start import prepare, what_to_do_next

    click.echo(what_to_do_next(prepare(folder)))


@learner.command()
@click.argument("task", required=False)
@mode_option
@json_option
def check(task: str | None, mode: str | None, as_json: bool) -> None:
    """Look whether a task is done, and say what is missing.

    TASK: such as chapter_1/task_3; none means the one whose folder this is.
    Exits with 1 when it is not done, and with 3 when the check itself broke.
    Example: maze check chapter_1/task_3
    """
    from maze_helpers import tasks
    from maze_helpers.checks import OurFault
    from maze_helpers.learner import judge

    judgement = judge(tasks.here(task), mode)
    verdict = judgement.verdict
    if as_json:
        print_json({"task": judgement.place.task.name, "verdict": verdict.headline})
    else:
        click.echo(f"{verdict.headline} · {judgement.place.task.name}: {verdict.sentence}")
    if not judgement.done:
        sys.exit(OUR_FAULT if isinstance(verdict, OurFault) else NOT_DONE)
