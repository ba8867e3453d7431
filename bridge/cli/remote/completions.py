"""What a shell completes: watch ids and named destinations, read from the bridge within a bounded time.

A completion never fails and never prints an error: without an answer there is nothing to choose from.
"""

import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from itertools import islice

import click
from click.shell_completion import CompletionItem

from bridge.cli.remote.printable import printable
from bridge.cli.remote.status_words import status_words
from bridge.client import Bridge, State, Watch

TIME_LIMIT = 2.0
"""Seconds that a person waits for choices at most."""
MOST_CHOICES = 50

Completer = Callable[[click.Context, click.Parameter, str], list[CompletionItem]]


def complete_watches(state: State | None = None) -> Completer:
    """Return a completer of the ids of the newest watches, or only of those in one state."""

    def choices(bridge: Bridge) -> list[CompletionItem]:
        watches = islice(bridge.list(state=state, page=MOST_CHOICES), MOST_CHOICES)
        return [CompletionItem(each.id, help=_help(each)) for each in watches]

    return _completer(choices)


def _help(watch: Watch) -> str:
    return printable(f"{watch.label or watch.import_id}: {status_words(watch)}")


def _named_destinations(bridge: Bridge) -> list[CompletionItem]:
    return [CompletionItem(each.name, help=each.type) for each in bridge.destinations()]


def _completer(choices: Callable[[Bridge], Sequence[CompletionItem]]) -> Completer:
    def complete(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        _ = param
        url, key = ctx.params.get("url"), ctx.params.get("key")
        found: list[CompletionItem] = []

        def ask() -> None:
            with suppress(Exception), Bridge(url, key, patience=0) as bridge:
                found.extend(choices(bridge))

        # In a thread, as no timeout of HTTP bounds an answer that arrives byte by byte.
        asking = threading.Thread(target=ask, daemon=True)
        asking.start()
        asking.join(TIME_LIMIT)
        return [each for each in tuple(found) if str(each.value).startswith(incomplete)]

    return complete


complete_named_destinations = _completer(_named_destinations)
