"""The commands of `maze` for learners. What a command needs is imported inside it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from maze_helpers.cli_options import json_option, mode_option, print_json

if TYPE_CHECKING:
    from rich.console import Console

    from maze_helpers.notes import Note
    from maze_helpers.tasks import Place


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

    TASK: such as chapter_1/task_3; none means the one whose folder this is, or all seven, around
    them. Exits with 1 when one is not done, and with 3 when a check itself broke.
    Example: maze check chapter_1/task_3
    """
    from maze_helpers import judging_cli

    sys.exit(judging_cli.check(task, mode, as_json))


@learner.command()
@click.argument("words", nargs=-1, metavar="[TASK] [STEP]")
def hint(words: tuple[str, ...]) -> None:
    """Show the next hint for a step or a question.

    STEP: such as 2, "step 2" or "question 1"; none means the step that the last check found
    missing, else the first with hints left. TASK: none means the one whose folder this is.
    Example: maze hint chapter_1/task_3 "step 2"
    """
    from maze_helpers import hints
    from maze_helpers.parts import STEP, named

    place, name, rest = _place_and_part(words)
    part = named(name, STEP) if name else None
    _refuse(rest)
    hints.box(place, hints.next_hint(place, part)).print(_console())


@learner.command()
@click.argument("words", nargs=-1, metavar="[TASK] [QUESTION|STEP]")
def answer(words: tuple[str, ...]) -> None:
    """Show our answer to a question, or our cell of a step.

    QUESTION, STEP: such as 1, "question 1" or "step 2"; none means the step that the last check
    found missing, else the first answer not yet seen.
    Example: maze answer chapter_1/task_3 "question 1"
    """
    from maze_helpers import answers
    from maze_helpers.parts import QUESTION, named

    place, name, rest = _place_and_part(words)
    part = named(name, QUESTION) if name else None
    _refuse(rest)
    answers.reveal(place, part).print(_console())


# A note may begin with a minus sign.
@learner.command(context_settings={"ignore_unknown_options": True})
@click.argument("words", nargs=-1, metavar="[TASK] [QUESTION] [TEXT]", type=click.UNPROCESSED)
@click.option("--markdown", is_flag=True, help="List the notes as a page of Markdown.")
def note(words: tuple[str, ...], markdown: bool) -> None:
    """Keep your own answer to a question for the review round.

    TEXT: "-" reads it from standard input; without it, the note is shown. Without QUESTION, all
    notes are listed.
    Example: maze note chapter_1/task_3 1 "A machine that I never see."
    """
    from maze_helpers import notes, tasks

    if not words:
        _list_notes(notes.every(tasks.root()), markdown)
        return
    place, name, text = _place_and_part(words)
    if not name:
        _list_notes(notes.of_task(place), markdown)
        return
    if text == "-":
        found = notes.keep(place, name, sys.stdin.read())
    else:
        found = notes.keep(place, name, text) if text else notes.kept(place, name)
    notes.box(found).print(_console())


def _list_notes(found: list[Note], as_markdown: bool) -> None:
    from maze_helpers import notes

    if not found:
        raise notes.NoteError('There is no note yet: `maze note 1 "what you found"` keeps one.')
    if as_markdown:
        click.echo(notes.markdown(found))
        return
    for one in found:
        click.echo(f"{one.task.name}, {one.part}: {one.text}")


@learner.command()
@json_option
def progress(as_json: bool) -> None:
    """Show the map, what is done, what it took, and what to do next.

    Example: maze progress
    """
    from dataclasses import asdict

    from maze_helpers import progress_view

    view = progress_view.here()
    if as_json:
        print_json({"tasks": [asdict(row) for row in view.rows], "next": view.next})
    else:
        view.print(_console())


def _place_and_part(words: tuple[str, ...]) -> tuple[Place, str | None, str]:
    """Return the task's place, the step or question, and the rest of what somebody typed."""
    from maze_helpers import parts, tasks

    task, name, rest = parts.split(words)
    return tasks.here(task), name, rest


def _refuse(rest: str) -> None:
    if rest:
        raise click.UsageError(f"What is {rest!r}? Put quotes around names such as 'step 2'.")


def _console() -> Console:
    from rich.console import Console

    return Console()


@learner.command()
@click.argument("task", required=False)
@click.option(
    "--from",
    "source",
    type=click.Path(path_type=Path),
    help="A folder that `maze share` made, or a notebook; the reference solution, if not given.",
)
@mode_option
def checkpoint(task: str | None, source: Path | None, mode: str | None) -> None:
    """Start a task without having done those before it.

    TASK: none means the one whose folder this is. Puts in place what it starts from: the scripts
    of the task before it, in its folder previous_task, and from the first training job on, the
    data and a trained model. No notebook is run; with --from, the group's src/train.py runs as a
    training job of yours, so name a group that you trust. On AWS, a job bills. Nothing of yours
    is overwritten.
    Example: maze checkpoint chapter_1/task_4
    """
    from maze_helpers import checkpoint, tasks

    for sentence in checkpoint.take(tasks.here(task), source, mode):
        click.echo(sentence)


@learner.command()
@click.argument("task", required=False)
@click.option(
    "--to",
    "repository",
    type=click.Path(path_type=Path),
    required=True,
    help="The folder of your group's git repository.",
)
@click.option("--as", "name", help="The folder in it that is yours; git's user.name, if not given.")
@click.option(
    "--outputs", is_flag=True, help="Keep the notebook's outputs, without what is secret."
)
def share(task: str | None, repository: Path, name: str | None, outputs: bool) -> None:
    """Commit your work on a task for your group.

    TASK: none means the one whose folder this is. The notebook, train.py and src/ go to
    NAME/chapter_N/task_M of the repository; models and data do not, and no credentials, account
    ids or paths of your machine. The push is left to you.
    Example: maze share chapter_1/task_3 --to ../our-maze
    """
    from shlex import quote

    from maze_helpers import tasks
    from maze_helpers.share import share

    place = tasks.here(task)
    shared = share(place, repository, name, outputs)
    if shared.commit is None:
        click.echo("Nothing has changed since it was shared.")
    else:
        click.echo(f"Committed as {shared.commit}: {', '.join(shared.names)}.")
    if shared.replaced:
        click.echo(
            f"It replaces what was shared there before, by {shared.replaced}; "
            "with --as you have a folder of your own."
        )
    if shared.unwritten:
        places = "1 place" if shared.unwritten == 1 else f"{shared.unwritten} places"
        click.echo(f"Not finished: {places} of the notebook still to write (YOUR CODE HERE).")
    click.echo(f"Send it: {shared.push}")
    following = tasks.TASKS[tasks.TASKS.index(place.task) + 1 :][:1]
    for next_task in following:
        source = quote(str(shared.folder))
        click.echo(f"Start from it: maze checkpoint {next_task.name} --from {source}")
