"""`follow`: wait for the end of a watch that exists."""

import click

from bridge.cli.exit_codes import TABLE
from bridge.cli.remote.completions import complete_watches
from bridge.cli.remote.connection_options import FOLLOW_PATIENCE, with_client
from bridge.cli.remote.ids import Id
from bridge.cli.remote.watch_progress import Following, follow_to_end, with_following
from bridge.client import Bridge

EXAMPLE = "\b\nExample:\n  rally-bridge follow wat_01kb2x3v8mrd4hz0c7w9t5qfyn --until-delivered"


@click.command("follow", epilog=f"{EXAMPLE}\n\n{TABLE}")
@click.argument("watch_id", type=Id("watch"), shell_complete=complete_watches("watching"))
@with_following
@with_client(patience=FOLLOW_PATIENCE)
def command(bridge: Bridge, watch_id: str, *, following: Following, as_json: bool) -> None:
    """Wait until a watch ends; the exit code is its outcome."""
    follow_to_end(bridge, bridge.get(watch_id), following, as_json=as_json)
