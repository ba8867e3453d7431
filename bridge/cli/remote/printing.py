"""Watches and deliveries on stdout, for people."""

import sys
from collections.abc import Iterator
from datetime import UTC, datetime

from rich.console import Console
from rich.text import Text

from bridge.cli.remote.printable import printable
from bridge.cli.remote.status_words import (
    delivery_line,
    destination_line,
    failed_record_words,
    last_poll_words,
    waiting_words,
    watch_line,
)
from bridge.cli.remote.times import local_time
from bridge.client import Delivery, Watch

FAILED_RECORDS_SHOWN = 10


def is_terminal() -> bool:
    """Return whether stdout is a terminal. With FORCE_COLOR, rich takes a pipe for one, too."""
    return sys.stdout is not None and sys.stdout.isatty()


def print_line(console: Console, text: Text | str) -> None:
    """Print a line as it is: a terminal may wrap it, but nothing is cut or marked up."""
    console.print(text if isinstance(text, Text) else Text(text), soft_wrap=True, highlight=False)


def print_watch(console: Console, watch: Watch) -> None:
    """Print a watch and its deliveries; the first line is the id alone."""
    now = datetime.now(UTC)
    print_line(console, watch.id)
    print_line(console, watch_line(watch, now))
    for name, value in _facts(watch):
        print_line(console, f"  {name:<13} {printable(value)}")
    print_deliveries(console, watch, now)


def _facts(watch: Watch) -> Iterator[tuple[str, str]]:
    yield "importId", watch.import_id
    yield "workspace", watch.workspace
    yield "polls", str(watch.polls)
    yield "createdBy", watch.created_by
    times = {
        "createdAt": watch.created_at,
        "lastPolledAt": watch.last_polled_at,
        "nextPollAt": watch.next_poll_at,
        "expiresAt": watch.expires_at,
        "settledAt": watch.settled_at,
    }
    yield from ((name, local_time(at)) for name, at in times.items() if at is not None)
    yield from (("metadata", f"{name}={value}") for name, value in watch.metadata.items())
    yield from (("failed", words) for words in failed_record_words(watch, FAILED_RECORDS_SHOWN))
    if watch.last_poll is not None:
        yield "lastPoll", last_poll_words(watch.last_poll)
    if watch.waiting_for is not None:
        yield "waitingFor", waiting_words(watch.waiting_for)
    if not watch.deliveries:  # each delivery names its destination
        yield from (("notify", destination_line(each)) for each in watch.notify)


def print_deliveries(console: Console, watch: Watch, now: datetime) -> None:
    for delivery in watch.deliveries:
        print_line(console, f"  {delivery_line(delivery, now)}")


def print_delivery(console: Console, delivery: Delivery) -> None:
    """Print a delivery and its attempts, if it has them."""
    print_line(console, delivery_line(delivery, datetime.now(UTC)))
    for attempt in delivery.log:
        status = attempt.status or "no answer"
        made = f"  {attempt.number}. {local_time(attempt.at)}  {status}, {attempt.took_ms} ms  {attempt.reason or ''}"
        print_line(console, printable(made.rstrip()))
