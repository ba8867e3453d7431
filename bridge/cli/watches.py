"""`watch`, `list`, `show`, `cancel`, `redeliver`: watches from a shell, for people and scripts."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from itertools import islice
from typing import Any, get_args

import click
from rich.console import Console
from rich.live import Live
from rich.text import Text

from bridge.cli import rendering
from bridge.cli.options import print_json, with_client
from bridge.client import (
    Bridge,
    Callback,
    CallFailed,
    Destination,
    Named,
    On,
    Outcome,
    Slack,
    SlackWebhook,
    State,
    Watch,
)
from bridge.domain.durations import duration
from bridge.domain.times import SECOND, Span

EXIT_CODES: Mapping[Outcome | None, int] = {"completed": 0, "completed_with_failures": 3, "failed": 4}
OUTCOMES = get_args(Outcome)
STATES = get_args(State)
OTHER_EXIT_CODE = 5
"""The exit code of other outcomes, and after --timeout."""
INTERRUPTED = 130


class Duration(click.ParamType[Span]):
    """`30s`, `10m`, `24h` as in settings, in milliseconds."""

    name = "duration"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Span:
        try:
            return duration(str(value))
        except ValueError as error:
            self.fail(str(error), param, ctx)


class KeyValue(click.ParamType[tuple[str, str]]):
    """`name=value`."""

    name = "name=value"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, str]:
        name, equals, text = str(value).partition("=")
        if not name or not equals:
            self.fail(f"{value!r} is not name=value", param, ctx)
        return name, text


class LocalTime(click.DateTime):
    """A local time, converted to an aware time in UTC."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        moment: datetime = super().convert(value, param, ctx)
        try:
            return moment.astimezone(UTC)
        except (ValueError, OverflowError):
            self.fail(f"{value!r} is too far away", param, ctx)


@click.command("watch")
@click.argument("import_id")
@click.option("--slack", "channels", multiple=True, metavar="C0123", help="Notify a channel through the bot.")
@click.option("--slack-webhook", "webhooks", multiple=True, metavar="URL", help="Notify an incoming webhook of Slack.")
@click.option("--callback", "callbacks", multiple=True, metavar="URL", help="Send a signed callback to a URL.")
@click.option("--named", "names", multiple=True, metavar="NAME", help="Notify a destination of the operator.")
@click.option("--on", multiple=True, type=click.Choice(OUTCOMES), help="Notify only of this outcome.")
@click.option("--label", help="Name of the import in messages.")
@click.option("--metadata", multiple=True, type=KeyValue(), help="Returned in responses and callbacks.")
@click.option("--workspace", help="The Rally account of the import.")
@click.option("--expires-in", type=Duration(), help="When to give up, such as 24h.")
@click.option("--follow", is_flag=True, help="Wait until it has ended; the exit code is its outcome.")
@click.option("--timeout", type=Duration(), help="With --follow: wait no longer, such as 30m; the watch continues.")
@with_client
def watch(bridge: Bridge, import_id: str, *, as_json: bool, follow: bool, timeout: Span | None, **options: Any) -> None:
    """Watch an import.

    With --follow the exit code is 0 for completed, 3 for completed with failures, 4 for failed and 5 otherwise.
    """
    if timeout is not None and not follow:
        raise click.UsageError("--timeout needs --follow; --expires-in limits the watch itself.")
    if options["on"] and not any(options[name] for name in ("channels", "webhooks", "callbacks", "names")):
        raise click.UsageError("--on needs a destination: --slack, --slack-webhook, --callback or --named.")
    expires_in = options["expires_in"]
    destinations = {name: options[name] for name in ("channels", "webhooks", "callbacks", "names", "on")}
    made = bridge.watch(
        import_id,
        notify=_destinations(**destinations),
        label=options["label"],
        metadata=dict(options["metadata"]) or None,
        workspace=options["workspace"],
        expires_in=None if expires_in is None else max(1, expires_in // SECOND),
    )
    if follow:
        made = _follow(bridge, made, timeout=timeout, quiet=as_json)
    if as_json:
        print_json(made.document)
    elif not follow:
        rendering.print_watch(Console(), made)
    if follow:
        if not made.ended:
            _print_still_watched(made)
        raise click.exceptions.Exit(EXIT_CODES.get(made.outcome, OTHER_EXIT_CODE))


def _destinations(
    channels: Sequence[str], webhooks: Sequence[str], callbacks: Sequence[str], names: Sequence[str], on: On
) -> list[Destination]:
    found: list[Destination] = [
        *(Slack(type="slack", channel=channel) for channel in channels),
        *(SlackWebhook(type="slack_webhook", url=url) for url in webhooks),
        *(Callback(type="callback", url=url) for url in callbacks),
        *(Named(type="named", name=name) for name in names),
    ]
    for each in found:
        if on:
            each["on"] = on
    return found


class _LiveLine:
    """The line of a watch, rendered with the current time."""

    def __init__(self, watch: Watch) -> None:
        self.watch = watch

    def __rich__(self) -> Text:
        return rendering.line(self.watch, datetime.now(UTC))


def _follow(bridge: Bridge, watch: Watch, *, timeout: Span | None, quiet: bool) -> Watch:
    """Follow a watch to its end: one live line at a terminal, otherwise a line for each change."""
    console = Console(stderr=quiet)
    live_line = _LiveLine(watch)
    seconds = None if timeout is None else timeout / SECOND
    try:
        if console.is_terminal:
            with Live(live_line, console=console, refresh_per_second=4):
                for live_line.watch in bridge.follow(watch, timeout=seconds):
                    pass
            return live_line.watch
        said = (watch.state, watch.status)
        console.print(live_line, soft_wrap=True, highlight=False)
        for live_line.watch in bridge.follow(watch, timeout=seconds):
            if (live_line.watch.state, live_line.watch.status) != said:
                said = (live_line.watch.state, live_line.watch.status)
                console.print(live_line, soft_wrap=True, highlight=False)
    except KeyboardInterrupt:
        _print_still_watched(watch)
        raise click.exceptions.Exit(INTERRUPTED) from None
    return live_line.watch


def _print_still_watched(watch: Watch) -> None:
    click.echo(f"The watch continues: rally-bridge show {watch.id}", err=True)


@click.command("list")
@click.option("--state", type=click.Choice(STATES), help="Only watches in this state.")
@click.option("--outcome", type=click.Choice(OUTCOMES), help="Only watches with this outcome.")
@click.option("--import", "import_id", help="Only watches of this import.")
@click.option("--limit", default=20, show_default=True, type=click.IntRange(1), help="Number of watches.")
@with_client
def list_(
    bridge: Bridge, *, as_json: bool, state: State | None, outcome: Outcome | None, import_id: str | None, limit: int
) -> None:
    """List watches, newest first."""
    found = bridge.list(state=state, outcome=outcome, import_id=import_id, page=min(limit, 100))
    watches = list(islice(found, limit))
    if as_json:
        print_json([each.document for each in watches])
    elif watches:
        console = Console()
        console.print(rendering.table(watches), soft_wrap=not console.is_terminal)
    else:
        click.echo("No watches.", err=True)


@click.command("show")
@click.argument("id_", metavar="ID")
@with_client
def show(bridge: Bridge, id_: str, *, as_json: bool) -> None:
    """Show a watch (wat_…) with its deliveries, or a delivery (dlv_…) with its attempts."""
    if id_.startswith("dlv_"):
        delivery = bridge.delivery(id_)
        print_json(delivery.document) if as_json else rendering.print_delivery(Console(), delivery)
        return
    found = bridge.get(id_)
    print_json(found.document) if as_json else rendering.print_watch(Console(), found)


@click.command("cancel")
@click.argument("watch_id")
@with_client
def cancel(bridge: Bridge, watch_id: str, *, as_json: bool) -> None:
    """Cancel a watch."""
    ended = bridge.cancel(watch_id)
    print_json(ended.document) if as_json else rendering.print_watch(Console(), ended)


@click.command("redeliver")
@click.argument("id_", metavar="[ID]", required=False)
@click.option("--since", type=LocalTime(), help="All deliveries abandoned since this local time.")
@with_client
def redeliver(bridge: Bridge, id_: str | None, *, since: datetime | None, as_json: bool) -> None:
    """Send again a delivery (dlv_…), the abandoned ones of a watch (wat_…), or all abandoned --since a time."""
    if (id_ is None) == (since is None):
        raise click.UsageError("Pass either an ID or --since.")
    if since is not None:
        count = bridge.redeliver_since(since)
        print_json({"redelivered": count}) if as_json else click.echo(f"Deliveries sent again: {count}")
        return
    owed = [bridge.redeliver(delivery_id) for delivery_id in _deliveries_to_repeat(bridge, str(id_))]
    if as_json:
        print_json([each.document for each in owed])
        return
    for delivery in owed:
        rendering.print_delivery(Console(), delivery)


def _deliveries_to_repeat(bridge: Bridge, id_: str) -> list[str]:
    if id_.startswith("dlv_"):
        return [id_]
    abandoned = [each.id for each in bridge.get(id_).deliveries if each.state == "abandoned"]
    if not abandoned:
        raise CallFailed(f"No delivery of {id_} was abandoned; to repeat a delivered one, pass its id.")
    return abandoned
