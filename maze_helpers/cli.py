"""The `maze` command. What a command needs is imported inside it, so that help comes at once."""

import json
import shlex
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

import maze_helpers
from maze_helpers import board_cli, learner_cli
from maze_helpers.cli_options import json_option, mode_option, print_json
from maze_helpers.local_cloud.errors import MazeError

NOT_UP = 3


class MazeGroup(click.Group):
    """A group of commands whose troubles are one sentence each, with exit code 1."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command."""
        try:
            return super().invoke(ctx)
        except MazeError as error:
            raise click.ClickException(str(error)) from error


@click.group(cls=MazeGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(maze_helpers.__version__, prog_name="maze")
def main() -> None:
    """SageMaker Maze: run the workshop's tasks, and the local cloud that they run on.

    The local cloud keeps all its state in one folder: $MAZE_HOME, else `.maze` of the checkout.
    """


for command in (*learner_cli.learner.commands.values(), *board_cli.board_group.commands.values()):
    main.add_command(command)


def _home() -> Path:
    from maze_helpers.local_cloud.home import find_home

    return find_home()


def _print(text: str) -> None:
    """Print with colours where the terminal has them; text is rich's markup."""
    from rich.console import Console

    Console(highlight=False, soft_wrap=True).print(text)


@main.command()
@click.option("--port", type=click.IntRange(0, 65535), help="The port; 0 for any free one.")
@json_option
def up(port: int | None, as_json: bool) -> None:
    """Start the local cloud, unless it is up.

    It keeps its port over restarts. Example: maze up --port 7000
    """
    from maze_helpers import status
    from maze_helpers.local_cloud import server

    home = _home()
    server.start(home, port)
    _show_status(status.look(home), as_json)


@main.command()
def down() -> None:
    """Stop the local cloud and the jobs it runs.

    Its state stays. Example: maze down
    """
    from maze_helpers.local_cloud import server

    _print("The maze is down." if server.stop(_home()) else "The maze was not up.")


@main.command()
@json_option
def status(as_json: bool) -> None:
    """Say whether the local cloud is up, and where.

    Exits with 3 when it is not. Example: maze status --json
    """
    from maze_helpers import status

    now = status.look(_home())
    _show_status(now, as_json)
    if not now["up"]:
        sys.exit(NOT_UP)


def _show_status(now: dict[str, Any], as_json: bool) -> None:
    if as_json:
        print_json(now)
    elif now["up"]:
        _print(
            f"The maze is [green]up[/] at [bold]{now['endpoint_url']}[/] "
            f"(process {now['pid']}, {now['memory_mb']} MB).\n"
            f"Its state is in {now['home']} ({now['disk_mb']} MB)."
        )
    else:
        _print(f"The maze is [yellow]down[/]; start it with `maze up`.\nHome: {now['home']}")


@main.command()
@json_option
def env(as_json: bool) -> None:
    """Print what makes a shell local.

    The AWS CLI, boto3 and the SDK then use the local cloud alone, which is started if need be.
    Example: eval "$(maze env)"
    """
    import os

    from maze_helpers.environment import local_changes
    from maze_helpers.local_cloud import server

    home = _home()
    try:
        server.start(home)
    except MazeError:
        # `eval "$(maze env)"` then fails as well, rather than leave the shell with the real AWS.
        click.echo("false")
        raise
    changes = local_changes(home, os.environ)
    if as_json:
        print_json(changes)
        return
    for name, value in changes.items():
        # Without the semicolon, a line break lost by an unquoted $(maze env) joins two commands.
        click.echo(f"unset {name};" if value is None else f"export {name}={shlex.quote(value)};")


@main.command()
@click.argument("tasks", nargs=-1)
@mode_option
@click.option(
    "-p",
    "--parameter",
    "pairs",
    multiple=True,
    metavar="NAME=VALUE",
    help="Another parameter of the notebooks; may be repeated.",
)
def run(tasks: tuple[str, ...], mode: str | None, pairs: tuple[str, ...]) -> None:
    """Execute notebooks from end to end.

    TASKS: a chapter, task or notebook each; none means all tasks. The executed notebooks, HTML
    and JUnit go to runs/<time>/; exits with 1 when one fails. The bonus runs by name only.
    Example: maze run chapter_1/task_3
    """
    from maze_helpers import runner

    try:
        results = runner.run(runner.find(tasks), mode, dict(_pair(pair) for pair in pairs))
    except runner.RunnerError as error:
        raise click.UsageError(str(error)) from error
    if not all(result.passed for result in results):
        sys.exit(1)


def _pair(text: str) -> tuple[str, Any]:
    """Return name and value: 'n=3' gives ('n', 3), and 'mode=aws' gives ('mode', 'aws')."""
    name, equals, value = text.partition("=")
    if not equals:
        raise click.BadParameter(f"{text} is not NAME=VALUE.", param_hint="--parameter")
    try:
        return name, json.loads(value)
    except ValueError:
        return name, value


@main.command()
@mode_option
@click.option("--yes", is_flag=True, help="Remove it; without this, only list it.")
@json_option
def clean(mode: str | None, yes: bool, as_json: bool) -> None:
    """List what the tasks made, or remove it.

    It is known by the maze's tag. Nothing else is touched, and a second time does no harm.
    Example: maze clean --yes
    """
    from botocore.exceptions import BotoCoreError, ClientError

    from maze_helpers import cleanup
    from maze_helpers.session import connect

    try:
        table = cleanup.clean(connect(mode).boto_session, dry_run=not yes)
    except (BotoCoreError, ClientError) as error:
        raise MazeError(f"Cleaning ended early: {error}") from error
    rows = table.to_dict("records")
    if as_json:
        print_json({"removed": yes, "items": rows})
    elif not rows:
        _print("There is nothing to clean.")
    else:
        for row in rows:
            click.echo(f"{row['kind']:<16} {row['action']:<12} {row['name']}")
        _print("Done." if yes else "Nothing was removed: add --yes to do so.")


@main.command()
@json_option
def doctor(as_json: bool) -> None:
    """Look for what would go wrong here.

    Each finding comes with its fix; exits with 1 when something is broken. Example: maze doctor
    """
    from maze_helpers import doctor

    _show_findings(doctor.examine(_home()), doctor.show, as_json)


def _show_findings(findings: list[Any], show: Callable[[list[Any]], None], as_json: bool) -> None:
    """Show what was found, and exit with 1 when something is broken."""
    from dataclasses import asdict

    broken = any(finding.level == "broken" for finding in findings)
    if as_json:
        print_json({"ok": not broken, "findings": [asdict(finding) for finding in findings]})
    else:
        show(findings)
    sys.exit(1 if broken else 0)


@main.command()
@click.argument("archive")
@click.option(
    "--framework",
    type=click.Choice(["pytorch", "scikit-learn", "huggingface"]),
    default="pytorch",
    show_default=True,
    help="The image that would serve it.",
)
@click.option("--program", help="The entry point, as SAGEMAKER_PROGRAM says it.")
@mode_option
@json_option
def archive(
    archive: str, framework: str, program: str | None, mode: str | None, as_json: bool
) -> None:
    """Look for what SageMaker would not find in a model.tar.gz.

    ARCHIVE: a file, or s3://bucket/…/model.tar.gz. Nothing in it is run. Each finding comes with
    its fix; exits with 1 when something is broken. Example: maze archive model.tar.gz
    """
    from maze_helpers import model_archive

    if archive.startswith("s3://"):
        from maze_helpers.session import connect

        with model_archive.local_copy(connect(mode).boto_session, archive) as path:
            findings = model_archive.examine(path, framework, program)
    else:
        findings = model_archive.examine(archive, framework, program)
    _show_findings(findings, model_archive.show, as_json)


if __name__ == "__main__":
    main()
