"""`list`: the newest watches, as a table for people and as tab-separated values for programs."""

from itertools import islice
from typing import Any

import click

from bridge.cli.console import CommandConsole
from bridge.cli.json_output import print_json
from bridge.cli.remote import tab_separated
from bridge.cli.remote.connection_options import with_client
from bridge.cli.remote.parameters import OUTCOMES, STATES
from bridge.cli.remote.printing import is_terminal
from bridge.cli.remote.table import print_watches
from bridge.client import Bridge

LONGEST_PAGE = 100
PIPED = f"""\b
Without a terminal it prints a line for each watch, with these values separated by tabs:
  {", ".join(tab_separated.COLUMNS)}

\b
Example:
  rally-bridge list --outcome failed | cut -f 2"""


@click.command("list", epilog=PIPED)
@click.option("--state", type=click.Choice(STATES), help="Only watches in this state.")
@click.option("--outcome", type=click.Choice(OUTCOMES), help="Only watches with this outcome.")
@click.option("--import", "import_id", metavar="IMPORT_ID", help="Only watches of this import.")
@click.option("--undelivered", is_flag=True, help="Only settled watches with a message that is not delivered.")
@click.option("--limit", default=20, show_default=True, type=click.IntRange(1), help="Number of watches.")
@with_client()
def command(bridge: Bridge, *, as_json: bool, limit: int, **only: Any) -> None:
    """List watches, newest first."""
    found = bridge.list(**only, page=min(limit + 1, LONGEST_PAGE))
    watches = list(islice(found, limit))
    more = next(found, None) is not None
    if as_json:
        print_json([each.document for each in watches])
    elif not watches:
        click.echo("No watches.", err=True)
    elif is_terminal():
        print_watches(CommandConsole(), watches)
    else:
        for each in watches:
            click.echo(tab_separated.line(each))
    if more:
        click.echo(f"There are more watches than --limit {limit} lists.", err=True)
