"""The progress of a watch, printed until it ends, by `follow` and by `watch --follow`; then its deliveries."""

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import wraps
from itertools import chain
from time import monotonic
from typing import Any, NoReturn

import click
from rich.console import Console
from rich.live import Live
from rich.text import Text

from bridge.cli.console import CommandConsole
from bridge.cli.exit_codes import ExitCode, exit_code
from bridge.cli.json_output import print_json
from bridge.cli.remote.parameters import Duration
from bridge.cli.remote.printing import print_deliveries, print_line
from bridge.cli.remote.status_words import poll_words, watch_line
from bridge.client import Bridge, CallFailed, Watch
from bridge.domain.times import SECOND, Span

FIRST_ATTEMPTS = 5.0
"""Seconds after the end for which the first attempts of the deliveries are awaited, to report what became of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Following:
    """How long to follow a watch: at most for `timeout`, and until its deliveries have ended as well."""

    timeout: Span | None
    until_delivered: bool


def with_following(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add --timeout and --until-delivered, passed together as `following`."""

    @click.option("--timeout", type=Duration(), help="Wait no longer, such as 30m; the watch continues.")
    @click.option("--until-delivered", is_flag=True, help="Wait until each delivery is delivered or abandoned, too.")
    @wraps(command)
    def with_both(*args: Any, timeout: Span | None, until_delivered: bool, **options: Any) -> Any:
        following = Following(timeout=timeout, until_delivered=until_delivered)
        return command(*args, following=following, **options)

    return with_both


def follow_to_end(bridge: Bridge, watch: Watch, following: Following, *, as_json: bool) -> NoReturn:
    """Print the id and the progress of a watch, then its deliveries; exit with the code of how it ended.

    With `as_json` all of that goes to stderr, and stdout gets the watch at its end as JSON alone.
    """
    console = CommandConsole(stderr=as_json)
    print_line(console, watch.id)
    states = deque([watch], maxlen=1)
    try:
        states.extend(_printed(console, watch, _states(bridge, watch, following)))
    except KeyboardInterrupt:
        _print_continues(states[-1])
        raise click.exceptions.Exit(ExitCode.INTERRUPTED) from None
    except CallFailed:
        _print_continues(states[-1])
        raise
    last = states[-1]
    print_deliveries(console, last, datetime.now(UTC))
    if as_json:
        print_json(last.document)
    code = _exit_code(last, following)
    if code is ExitCode.STILL_OPEN:
        _print_continues(last)
    raise click.exceptions.Exit(code)


def _states(bridge: Bridge, watch: Watch, following: Following) -> Iterator[Watch]:
    """Yield the watch as it is read again, until it and the awaited deliveries have ended or the time is over."""
    seconds = None if following.timeout is None else following.timeout / SECOND
    if following.until_delivered:
        yield from bridge.follow(watch, timeout=seconds, until="delivered")
        return
    began, latest = monotonic(), watch
    for latest in bridge.follow(watch, timeout=seconds):
        yield latest
    left = FIRST_ATTEMPTS if seconds is None else min(FIRST_ATTEMPTS, began + seconds - monotonic())
    if latest.ended and _awaits_first_attempt(latest):
        yield from _until_attempted(bridge.follow(latest, timeout=left, until="delivered"))


def _until_attempted(states: Iterator[Watch]) -> Iterator[Watch]:
    """Yield the states of a watch until each delivery was attempted once."""
    for each in states:
        yield each
        if not _awaits_first_attempt(each):
            return


def _awaits_first_attempt(watch: Watch) -> bool:
    return any(each.state == "pending" and not each.attempts for each in watch.deliveries)


def _printed(console: Console, watch: Watch, states: Iterator[Watch]) -> Iterator[Watch]:
    """Print the progress, and yield each state: one live line at a terminal, otherwise a line for each change."""
    if console.is_terminal and not console.is_dumb_terminal:
        live_line = _LiveLine(watch)
        with Live(live_line, console=console, refresh_per_second=4):
            for live_line.watch in states:
                yield live_line.watch
        return
    printed = None
    for latest in chain([watch], states):
        if (change := (latest.state, latest.status, poll_words(latest))) != printed:
            printed = change
            print_line(console, watch_line(latest, datetime.now(UTC)))
        yield latest


class _LiveLine:
    """The line of a watch, rendered with the current time."""

    def __init__(self, watch: Watch) -> None:
        self.watch = watch

    def __rich__(self) -> Text:
        return watch_line(self.watch, datetime.now(UTC))


def _exit_code(watch: Watch, following: Following) -> ExitCode:
    awaited = watch.deliveries if following.until_delivered else ()
    return exit_code(ended=watch.ended, outcome=watch.outcome, delivery_states=[each.state for each in awaited])


def _print_continues(watch: Watch) -> None:
    if watch.ended:
        click.echo(f"The deliveries continue: rally-bridge follow {watch.id} --until-delivered", err=True)
    else:
        click.echo(f"The watch continues: rally-bridge follow {watch.id}", err=True)
