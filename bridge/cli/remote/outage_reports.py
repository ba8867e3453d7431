"""A line on stderr when a command that waits can't reach the bridge, so that it is not silent until it gives up."""

from collections.abc import Callable
from time import monotonic

import click

from bridge.client import CallFailed

NEW_OUTAGE = 20.0
"""Seconds without a retry after which the next one is reported again: longer than between two retries."""


def outage_reports(clock: Callable[[], float] = monotonic) -> Callable[[CallFailed, float], None]:
    """Return what a client calls before each retry; it prints a line for each outage."""
    last: float | None = None

    def report(error: CallFailed, _pause: float) -> None:
        nonlocal last
        now = clock()
        if last is None or now - last > NEW_OUTAGE:
            said = str(error).partition("\n")[0]
            click.echo(f"{said} Trying again.", err=True)
        last = now

    return report
