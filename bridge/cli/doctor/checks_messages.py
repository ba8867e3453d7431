"""The check of messages: whether some were abandoned lately, or fail now. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from bridge.cli.doctor.findings import Finding, ok, warning

LOOKED_AT = 100
"""The number of deliveries of each kind that are looked at."""


@dataclass(frozen=True, slots=True)
class Undelivered:
    """A message that was abandoned or fails: to where, without secrets, and why."""

    place: str
    reason: str | None


def check_messages(abandoned: Sequence[Undelivered], failing: Sequence[Undelivered]) -> Finding:
    """Check the messages that were abandoned in the last 24 hours, and those that wait for another attempt."""
    check = "Messages"
    parts = [
        _sum(group, words)
        for group, words in ((abandoned, "abandoned in the last 24 hours"), (failing, "failing now"))
        if group
    ]
    if not parts:
        return ok(check, "none was abandoned in the last 24 hours, and none fails now")
    states = [state for state, group in (("abandoned", abandoned), ("pending", failing)) if group]
    commands = " and ".join(f"`rally-bridge deliveries --state {state}`" for state in states)
    return warning(
        check, "; ".join(parts), f"{commands} with an admin's key lists them; `rally-bridge why` with an id."
    )


def _sum(group: Sequence[Undelivered], words: str) -> str:
    number = f"{len(group)} or more" if len(group) >= LOOKED_AT else str(len(group))
    last = group[0]
    return f"{number} {words}, the last to {last.place}: {last.reason or 'no reason known'}"
