"""`redeliver`: send deliveries again."""

from datetime import datetime

import click

from bridge.cli.console import CommandConsole
from bridge.cli.json_output import print_json
from bridge.cli.remote.completions import complete_watches
from bridge.cli.remote.connection_options import with_client
from bridge.cli.remote.ids import Id, is_delivery
from bridge.cli.remote.parameters import LocalTime
from bridge.cli.remote.printing import print_delivery
from bridge.client import Bridge, CallFailed


@click.command("redeliver")
@click.argument(
    "id_", metavar="[ID]", required=False, type=Id("watch", "delivery"), shell_complete=complete_watches("settled")
)
@click.option("--since", type=LocalTime(), help="All deliveries abandoned since this local time, such as 2026-11-24.")
@with_client()
def command(bridge: Bridge, id_: str | None, *, since: datetime | None, as_json: bool) -> None:
    """Send deliveries again.

    A delivery (dlv_…), the abandoned ones of a watch (wat_…), or all that were abandoned --since a time.
    """
    if (id_ is None) == (since is None):
        raise click.UsageError("Pass either an ID or --since.")
    if since is not None:
        count = bridge.redeliver_since(since)
        print_json({"redelivered": count}) if as_json else click.echo(f"Deliveries sent again: {count}")
        return
    redelivered = [bridge.redeliver(delivery_id) for delivery_id in _deliveries_to_repeat(bridge, str(id_))]
    if as_json:
        print_json([each.document for each in redelivered])
        return
    for delivery in redelivered:
        print_delivery(CommandConsole(), delivery)


def _deliveries_to_repeat(bridge: Bridge, id_: str) -> list[str]:
    if is_delivery(id_):
        return [id_]
    abandoned = [each.id for each in bridge.get(id_).deliveries if each.state == "abandoned"]
    if not abandoned:
        raise CallFailed(
            f"No delivery of {id_} was abandoned. To repeat a delivered one, pass its id: rally-bridge show {id_}"
        )
    return abandoned
