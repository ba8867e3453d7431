"""The command `slack manifest`."""

import click

from bridge.cli.json_output import print_json
from bridge.cli.slack.manifest import COMMAND, LONGEST_NAME, manifest, public_url


@click.group("slack")
def group() -> None:
    """Set up the Slack app."""


def _url(_: click.Context, __: click.Parameter, value: str) -> str:
    try:
        return public_url(value)
    except ValueError as error:
        raise click.BadParameter(f"It {error}.") from None


def _command(_: click.Context, __: click.Parameter, value: str) -> str:
    if not COMMAND.fullmatch(value):
        raise click.BadParameter("It must be / and up to 31 of a-z, 0-9, - and _.")
    return value


def _name(_: click.Context, __: click.Parameter, value: str) -> str:
    if not value.strip() or len(value) > LONGEST_NAME:
        raise click.BadParameter(f"It must have 1 to {LONGEST_NAME} characters.")
    return value


@group.command("manifest")
@click.option("--url", required=True, callback=_url, help="The address of the bridge, as Slack reaches it: https://…")
@click.option("--command", default="/rally", show_default=True, callback=_command, help="The command that people type.")
@click.option("--name", default="Rally imports", show_default=True, callback=_name, help="The name of the app.")
def print_manifest(url: str, command: str, name: str) -> None:
    """Print the manifest of the Slack app as JSON, to be pasted where an app is created. Nothing is sent."""
    print_json(manifest(url, name=name, command=command))
