"""`cancel`: end a watch without an outcome."""

import click

from bridge.cli.console import CommandConsole
from bridge.cli.json_output import print_json
from bridge.cli.remote.completions import complete_watches
from bridge.cli.remote.connection_options import with_client
from bridge.cli.remote.ids import Id
from bridge.cli.remote.printing import print_watch
from bridge.client import Bridge


@click.command("cancel")
@click.argument("watch_id", type=Id("watch"), shell_complete=complete_watches("watching"))
@with_client()
def command(bridge: Bridge, watch_id: str, *, as_json: bool) -> None:
    """Cancel a watch: nothing is sent."""
    ended = bridge.cancel(watch_id)
    print_json(ended.document) if as_json else print_watch(CommandConsole(), ended)
