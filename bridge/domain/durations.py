"""Durations as people write them: `30s`, `10m`, `1h30m`, `2d`."""

import re
from collections.abc import Mapping

from bridge.domain.times import DAY, HOUR, MINUTE, SECOND, Span

_UNITS: Mapping[str, Span] = {"ms": 1, "s": SECOND, "m": MINUTE, "h": HOUR, "d": DAY}
_BY_SIZE = sorted(_UNITS.items(), key=lambda each: each[1], reverse=True)
LONGEST_SHOWN = 15
"""The longest text that an error message repeats; a longer one may be a key in the wrong place."""
_PART = re.compile(r"(\d+)(ms|s|m|h|d)")


def duration(text: str) -> Span:
    """Read `30s`, `10m`, `1h30m`, `2d`, `500ms` and return milliseconds.

    Raise ValueError with a sentence for anything else.
    """
    if not text or _PART.sub("", text):
        shown = f"{text!r} is" if len(text) <= LONGEST_SHOWN else "this is"
        raise ValueError(f"{shown} not a duration: write it with a unit, like 30s, 10m, 24h or 1h30m")
    span = sum(int(number) * _UNITS[unit] for number, unit in _PART.findall(text))
    if span <= 0:
        raise ValueError("must be longer than zero")
    return span


def duration_text(span: Span) -> str:
    """Write milliseconds as `duration` reads them: `1h30m`."""
    parts = []
    for unit, length in _BY_SIZE:
        number, span = divmod(span, length)
        if number:
            parts.append(f"{number}{unit}")
    return "".join(parts) or "0s"
