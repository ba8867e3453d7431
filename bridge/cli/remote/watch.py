"""`watch`: watch an import, and follow it if asked to."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

import click

from bridge.cli.console import CommandConsole
from bridge.cli.exit_codes import TABLE
from bridge.cli.json_output import print_json
from bridge.cli.remote.connection_options import with_client
from bridge.cli.remote.destination_options import NAMES, with_destinations
from bridge.cli.remote.parameters import Duration, KeyValue, OnOption, wanted_outcomes
from bridge.cli.remote.printing import is_terminal, print_watch
from bridge.cli.remote.watch_progress import Following, follow_to_end, with_following
from bridge.client import Bridge, Destination, Watch
from bridge.domain.times import SECOND, Span
from bridge.domain.watches import LONGEST_WATCH

EXAMPLES = """\b
Examples:
  rally-bridge watch IMPORT_ID --slack C0123ABCD --on problems
  rally-bridge watch IMPORT_ID --follow --timeout 30m && echo "all are in\""""


@click.command("watch", epilog=f"{EXAMPLES}\n\n{TABLE}")
@click.argument("import_id")
@with_destinations("Notify")
@click.option(
    "--on",
    multiple=True,
    type=OnOption(),
    help="Notify these destinations of `problems` (anything but completed), `always`, or of a list of outcomes, such "
    "as failed,timed_out.  [default: always]",
)
@click.option(
    "--live", is_flag=True, help="Show the progress of a long import in Slack (--slack), in one message that is edited."
)
@click.option("--label", help="Name of the import in messages.")
@click.option("--metadata", multiple=True, type=KeyValue(), help="Returned in responses and callbacks.")
@click.option("--workspace", help="The Rally account of the import.")
@click.option("--expires-in", type=Duration(LONGEST_WATCH), help="When to give up, such as 24h; at most 30d.")
@click.option(
    "--nudge-after",
    type=Duration(LONGEST_WATCH),
    help="When to tell Slack once that the import still runs, such as 30m.  [default: never]",
)
@click.option("--follow", is_flag=True, help="Wait until it has ended; the exit code is its outcome.")
@with_following
@with_client()
def command(
    bridge: Bridge,
    import_id: str,
    *,
    destinations: list[Destination],
    on: tuple[tuple[str, ...], ...],
    live: bool,
    metadata: tuple[tuple[str, str], ...],
    expires_in: Span | None,
    nudge_after: Span | None,
    follow: bool,
    following: Following,
    as_json: bool,
    **facts: Any,
) -> None:
    """Watch an import.

    Without --follow it returns at once. Then `ID=$(rally-bridge watch …)` gets the id of the watch alone.
    """
    if not follow:
        _check_that_nothing_is_awaited(following)
    if on and not destinations:
        raise click.UsageError(f"--on needs a destination: {NAMES}.")
    if (wanted := wanted_outcomes(on)) is not None:
        for each in destinations:
            each["on"] = wanted
    if live:
        _make_live(destinations)
    made = bridge.watch(
        import_id,
        notify=destinations,
        metadata=_without_repetition(metadata) or None,
        expires_in=_whole_seconds(expires_in),
        nudge_after=_whole_seconds(nudge_after),
        **facts,
    )
    if follow:
        follow_to_end(bridge, made, following, as_json=as_json)
    _print_created(made, as_json=as_json)


def _make_live(destinations: Sequence[Destination]) -> None:
    """Request a living message in each channel; raise UsageError if there is none."""
    channels = [each for each in destinations if each["type"] == "slack"]
    if not channels:
        raise click.UsageError("--live needs --slack.")
    for each in channels:
        each["live"] = True


def _whole_seconds(span: Span | None) -> int | None:
    return None if span is None else max(1, span // SECOND)


def _check_that_nothing_is_awaited(following: Following) -> None:
    """Raise UsageError for options that only make sense with --follow."""
    if following.timeout is not None:
        raise click.UsageError("--timeout needs --follow; --expires-in limits the watch itself.")
    if following.until_delivered:
        raise click.UsageError("--until-delivered needs --follow.")


def _without_repetition(metadata: Sequence[tuple[str, str]]) -> dict[str, str]:
    """Return the metadata by name; raise UsageError for a name that is given more than once."""
    if twice := [name for name, count in Counter(name for name, _ in metadata).items() if count > 1]:
        raise click.UsageError(f"--metadata names {', '.join(map(repr, twice))} more than once.")
    return dict(metadata)


def _print_created(watch: Watch, *, as_json: bool) -> None:
    if as_json:
        print_json(watch.document)
    elif is_terminal():
        print_watch(CommandConsole(), watch)
    else:
        click.echo(watch.id)
