"""`deliveries`: the newest deliveries, as lines for people and as tab-separated values for programs."""

from datetime import UTC, datetime
from itertools import islice
from typing import get_args

import click

from bridge.cli.console import CommandConsole
from bridge.cli.json_output import print_json
from bridge.cli.remote import tab_separated
from bridge.cli.remote.connection_options import with_client
from bridge.cli.remote.printing import is_terminal, print_line
from bridge.cli.remote.status_words import delivery_line
from bridge.client import Bridge, DeliveryState

LONGEST_PAGE = 100
EPILOG = f"""\b
Without a terminal it prints a line for each delivery, with these values separated by tabs:
  {", ".join(tab_separated.DELIVERY_COLUMNS)}

\b
Example:
  rally-bridge deliveries --state abandoned"""


@click.command("deliveries", epilog=EPILOG)
@click.option("--state", type=click.Choice(get_args(DeliveryState)), help="Only deliveries in this state.")
@click.option("--limit", default=20, show_default=True, type=click.IntRange(1), help="Number of deliveries.")
@with_client()
def command(bridge: Bridge, *, as_json: bool, state: DeliveryState | None, limit: int) -> None:
    """List deliveries, newest first."""
    found = bridge.deliveries(state=state, page=min(limit + 1, LONGEST_PAGE))
    deliveries = list(islice(found, limit))
    more = next(found, None) is not None
    if as_json:
        print_json([each.document for each in deliveries])
    elif not deliveries:
        click.echo("No deliveries.", err=True)
    elif is_terminal():
        console, now = CommandConsole(), datetime.now(UTC)
        for each in deliveries:
            print_line(console, delivery_line(each, now))
    else:
        for each in deliveries:
            click.echo(tab_separated.delivery_line(each))
    if more:
        click.echo(f"There are more deliveries than --limit {limit} lists.", err=True)
