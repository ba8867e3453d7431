"""`destinations`: the named destinations that a client may use."""

import click

from bridge.cli.json_output import print_json
from bridge.cli.remote.connection_options import with_client
from bridge.client import Bridge


@click.command("destinations")
@with_client()
def command(bridge: Bridge, *, as_json: bool) -> None:
    """List the named destinations that you may use, for --named.

    A line has the name and the type, separated by a tab.
    """
    found = bridge.destinations()
    if as_json:
        print_json([{"name": each.name, "type": each.type} for each in found])
    elif not found:
        click.echo("No named destinations.", err=True)
    else:
        for each in found:
            click.echo(f"{each.name}\t{each.type}")
