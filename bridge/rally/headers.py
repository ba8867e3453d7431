"""Rally's rate-limit headers: parsed into numbers within bounds, or ignored.

Rally documents `X-RateLimit-Limit`, `-Remaining` and `-Reset` (a Unix time) for every response but 404s, and
`Retry-After` (seconds) for 429s. Source: https://docs.rallyuxr.com/api-reference/imports/gets-an-import-by-id
"""

import re
from collections.abc import Iterable, Mapping, Sequence

from bridge.domain.polling.allowance import Allowance
from bridge.domain.polling.budget import LONGEST_RALLY_PAUSE
from bridge.domain.retry_after import http_date
from bridge.domain.times import SECOND, Moment, Span

EPOCH_MILLISECONDS = 10**11
"""The number above which a reset is taken as milliseconds: in seconds it would be after the year 5000."""

LIMIT_HEADERS = ("x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset")
CLOCK_SLACK: Span = 5 * SECOND
"""The longest time by which a valid reset may precede the sending of the response."""

Headers = Mapping[str, str]
"""Headers by their name in lower case. Repeated ones are left out, because they are ambiguous."""

_WHOLE = re.compile(r"[+-]?\d{1,19}")


def unrepeated(pairs: Iterable[tuple[str, str]]) -> Headers:
    """Return the headers that occur exactly once."""
    seen: dict[str, list[str]] = {}
    for name, value in pairs:
        seen.setdefault(name.lower(), []).append(value.strip())
    return {name: values[0] for name, values in seen.items() if len(values) == 1}


def allowance_of(headers: Headers, at: Moment) -> Allowance | None:
    """Parse the rate-limit headers; None if one of the three is missing or invalid.

    The reset is compared with the response's own Date, so that the vendor's clock may differ from ours.
    """
    limit = _whole(headers.get("x-ratelimit-limit"))
    remaining = _whole(headers.get("x-ratelimit-remaining"))
    reset = _whole(headers.get("x-ratelimit-reset"))
    if limit is None or remaining is None or reset is None or limit <= 0:
        return None
    return Allowance(
        limit=limit,
        remaining=min(max(remaining, 0), limit),
        resets_in=_clamp(_reset_at(reset) - _date(headers.get("date"), at)),
    )


def header_problem_of(pairs: Sequence[tuple[str, str]], headers: Headers, at: Moment) -> str | None:
    """Return what is invalid about the rate-limit headers; None if they are valid, or all missing."""
    given = {name.lower() for name, _ in pairs if name.lower() in LIMIT_HEADERS}
    if not given:
        return None
    if missing := sorted(set(LIMIT_HEADERS) - given):
        return f"{', '.join(missing)} missing"
    if nonsense := [name for name in LIMIT_HEADERS if _whole(headers.get(name)) is None]:
        return f"{', '.join(nonsense)} not a single whole number"
    limit, remaining, reset = (_whole(headers[name]) or 0 for name in LIMIT_HEADERS)
    if not limit > 0 or not 0 <= remaining <= limit:
        return "x-ratelimit-remaining not between 0 and x-ratelimit-limit"
    wait = _reset_at(reset) - _date(headers.get("date"), at)
    return None if -CLOCK_SLACK <= wait <= LONGEST_RALLY_PAUSE else "x-ratelimit-reset not within the next hour"


def _reset_at(reset: int) -> Moment:
    return reset if reset > EPOCH_MILLISECONDS else reset * SECOND


def _clamp(span: Span) -> Span:
    return min(max(span, 0), LONGEST_RALLY_PAUSE)


def _whole(value: str | None) -> int | None:
    return int(value) if value and value.isascii() and _WHOLE.fullmatch(value) else None


def _date(value: str | None, otherwise: Moment) -> Moment:
    named = http_date(value or "")
    return otherwise if named is None else named
