"""The commands of `maze` around the facilitator's board."""

from pathlib import Path

import click

from maze_helpers.cli_options import mode_option


@click.group()
def board_group() -> None:
    """Publishing, and the board; the commands are registered in maze_helpers.cli."""


@board_group.command()
@click.argument("place")
@click.option("--as", "name", required=True, help="How your pair wants to be called on the board.")
@mode_option
def publish(place: str, name: str, mode: str | None) -> None:
    """Publish your progress for the facilitator's board.

    PLACE: a folder that the room shares, or, with --mode aws, s3://bucket/prefix. Only this
    command sends anything, and only there: how far you are, hints and answers counted, what runs
    and what that costs. Your notes, your code and your account stay with you.
    Example: maze publish /mnt/workshop --as "team blue"
    """
    from maze_helpers import progress, publishing, tasks
    from maze_helpers.session import connect

    known = progress.read(tasks.root())
    connection = connect(mode)
    session = connection.boto_session
    what = publishing.publication(known, name, connection.mode, session)
    click.echo(f"Published as {publishing.publish(what, place, session)}.")


@board_group.command()
@click.argument("place")
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    default="board.html",
    show_default=True,
    help="The page to write.",
)
@mode_option
def board(place: str, out: Path, mode: str | None) -> None:
    """Make a page of the room from what pairs have published.

    PLACE: the folder, or s3://bucket/prefix, that they publish to. The page loads itself anew
    every half a minute; run this as often, and it follows.
    Example: watch -n 30 maze board /mnt/workshop
    """
    from maze_helpers.board import board, gather
    from maze_helpers.publishing import PublishingError
    from maze_helpers.session import connect

    session = connect(mode).boto_session if place.startswith("s3://") else None
    page = board(gather(place, session))
    try:
        # A file's name may be no text.
        out.write_text(page.html, encoding="utf-8", errors="replace")
    except OSError as error:
        raise PublishingError(f"{out} cannot be written: {error.strerror}.") from error
    click.echo(f"{out}: {len(page.rows)} pairs, {len(page.unread)} files not read.")
