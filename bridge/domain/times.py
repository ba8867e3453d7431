"""Moments and spans: whole milliseconds; a moment counts from 1970 on Redis' clock."""

from datetime import UTC, datetime
from functools import lru_cache
from typing import TypeAlias

Moment: TypeAlias = int
Span: TypeAlias = int

SECOND: Span = 1_000
MINUTE: Span = 60 * SECOND
HOUR: Span = 60 * MINUTE
DAY: Span = 24 * HOUR
_FIRST_YEAR = 1970


@lru_cache(maxsize=256)  # one response or page contains few different moments
def rfc3339(moment: Moment) -> str:
    """Format a moment: `2026-11-24T03:37:39.000Z`."""
    return datetime.fromtimestamp(moment / SECOND, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def to_the_minute(moment: Moment, now: Moment) -> str:
    """Format a moment for people: `03:37 UTC`, with its date if that is not the date of `now`."""
    then, today = (datetime.fromtimestamp(each / SECOND, UTC) for each in (moment, now))
    return then.strftime("%H:%M UTC" if then.date() == today.date() else "%Y-%m-%d %H:%M UTC")


def moment_of(text: str) -> Moment | None:
    """Parse an RFC 3339 time; None if it is not one, or not after 1970."""
    try:
        read = datetime.fromisoformat(text)
    except ValueError:
        return None
    return None if read.tzinfo is None or read.year <= _FIRST_YEAR else int(read.timestamp() * SECOND)
