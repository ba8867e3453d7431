"""`show`: one watch with its deliveries, or one delivery with its attempts."""

import click

from bridge.cli.console import CommandConsole
from bridge.cli.json_output import print_json
from bridge.cli.remote.completions import complete_watches
from bridge.cli.remote.connection_options import with_client
from bridge.cli.remote.ids import Id, is_delivery
from bridge.cli.remote.printing import print_delivery, print_watch
from bridge.client import Bridge


@click.command("show")
@click.argument("id_", metavar="ID", type=Id("watch", "delivery"), shell_complete=complete_watches())
@with_client()
def command(bridge: Bridge, id_: str, *, as_json: bool) -> None:
    """Show a watch or a delivery.

    A watch (wat_…) is shown with its deliveries, and a delivery (dlv_…) with its attempts.
    """
    if is_delivery(id_):
        delivery = bridge.delivery(id_)
        print_json(delivery.document) if as_json else print_delivery(CommandConsole(), delivery)
        return
    found = bridge.get(id_)
    print_json(found.document) if as_json else print_watch(CommandConsole(), found)
