"""Watches and deliveries as text; statuses have words and a sign, never colour alone."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

from rich.console import Console
from rich.table import Column, Table
from rich.text import Text

from bridge.client import Delivery, Watch
from bridge.domain.outcomes import Outcome
from bridge.domain.watches import WatchState

SIGNS: Mapping[str, tuple[str, str]] = {
    WatchState.WATCHING: ("…", "cyan"),
    Outcome.COMPLETED: ("✓", "green"),
    Outcome.COMPLETED_WITH_FAILURES: ("!", "yellow"),
    Outcome.FAILED: ("✗", "red"),
    WatchState.CANCELLED: ("-", "dim"),
}
LONGEST_ID = 30
UNKNOWN_STATUS = ("?", "magenta")
SHOWN_FIELDS = (
    *("id", "importId", "workspace", "polls", "lastPolledAt", "nextPollAt"),
    *("createdBy", "createdAt", "expiresAt", "settledAt"),
)


def outcome_or_state(watch: Watch) -> str:
    """Return the outcome of a watch, or else its state."""
    return watch.outcome or watch.state


def styled_status(watch: Watch) -> Text:
    sign, style = SIGNS.get(outcome_or_state(watch), UNKNOWN_STATUS)
    return Text(f"{sign} {outcome_or_state(watch).replace('_', ' ')}", style=style)


def line(watch: Watch, now: datetime) -> Text:
    """Return one line with the progress of an import, or with its end."""
    facts = [
        watch.status or "not read yet",
        _people(watch),
        elapsed((watch.settled_at or now) - watch.created_at),
    ]
    if watch.failed_record_count:
        facts.insert(2, f"{watch.failed_record_count:,} failed")
    if not watch.ended and watch.next_poll_at is not None:
        left = round((watch.next_poll_at - now).total_seconds())
        facts.append(f"next poll in {left} s" if left > 0 else "polling now")
    if watch.reason:
        facts.append(watch.reason)
    return Text.assemble(styled_status(watch), "  ", watch.label or watch.import_id, "  ", " · ".join(facts))


def _people(watch: Watch) -> str:
    people = "an unknown number of" if watch.people is None else f"{watch.people:,}"
    return f"{people} people" + ("" if watch.ended else " so far")


def elapsed(span: timedelta) -> str:
    """Format a duration: `0:01:05`."""
    seconds = max(0, int(span.total_seconds()))
    return f"{seconds // 3600}:{seconds // 60 % 60:02}:{seconds % 60:02}"


def table(watches: Sequence[Watch]) -> Table:
    # Ids are never cut, so that they can be copied.
    shown = Table(
        Column("Watch", no_wrap=True, min_width=LONGEST_ID),
        "Import",
        "State",
        "People",
        "Failed",
        "Label",
        "Since",
        box=None,
        pad_edge=False,
    )
    for each in watches:
        since = each.created_at.astimezone().strftime("%Y-%m-%d %H:%M")
        people, failed = "?" if each.people is None else f"{each.people:,}", f"{each.failed_record_count:,}"
        shown.add_row(each.id, Text(each.import_id), styled_status(each), people, failed, Text(each.label or ""), since)
    return shown


def print_watch(console: Console, watch: Watch) -> None:
    """Print a watch and its deliveries."""
    console.print(line(watch, datetime.now(UTC)), soft_wrap=True, highlight=False)
    for name in SHOWN_FIELDS:
        if watch.document.get(name) is not None:
            console.print(Text(f"  {name:<13} {watch.document[name]}"), soft_wrap=True, highlight=False)
    for delivery in watch.deliveries:
        print_delivery(console, delivery)


def print_delivery(console: Console, delivery: Delivery) -> None:
    """Print a delivery and its attempts, if it has them."""
    reason = f": {delivery.last_reason}" if delivery.last_reason else ""
    words = f"  {delivery.id}  {delivery.type} {delivery.destination}  {delivery.state}{reason}"
    console.print(Text(words), soft_wrap=True, highlight=False)
    for attempt in delivery.document.get("log", []):
        status = attempt["status"] or "no answer"
        made = f"    {attempt['number']}. {attempt['at']}  {status}, {attempt['tookMs']} ms  {attempt['reason'] or ''}"
        console.print(Text(made.rstrip()), soft_wrap=True, highlight=False)
