"""What commands of `maze` share: their options, and how they answer a script."""

import json

import click

json_option = click.option("--json", "as_json", is_flag=True, help="Answer in JSON, for a script.")
mode_option = click.option(
    "--mode", type=click.Choice(["local", "aws"]), help="Where: local (the default) or aws."
)


def print_json(value: object) -> None:
    """Print a value as JSON."""
    click.echo(json.dumps(value, indent=2, default=str))
