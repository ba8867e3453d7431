"""HTTP dates and Retry-After, parsed leniently: a value that makes no sense is None.

Sources: https://www.rfc-editor.org/rfc/rfc9110#section-5.6.7 (dates) and
https://www.rfc-editor.org/rfc/rfc9110#section-10.2.3 (Retry-After)
"""

import math
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import lru_cache

from bridge.domain.times import SECOND, Moment, Span

_SECONDS = re.compile(r"[+-]?[0-9]+(\.[0-9]*)?")
"""The specification allows whole seconds only; some servers send fractions."""
_BETWEEN = re.compile(r",(?! ?[0-9]{2}[ -][A-Za-z]{3}[ -])")
"""The commas between values, when a proxy and the server behind it each sent one; not the commas within dates."""
_MOST_COMMAS = 7
"""The largest number of commas at which a value is split; it bounds the work that a hostile value causes."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def retry_after(headers: Mapping[str, str], now: Moment, *, at_most: Span) -> Span | None:
    """Return the requested wait, from 0 to `at_most`; None if Retry-After is missing or makes no sense.

    A date is compared with the response's own Date, so that the sender's clock may be wrong; with `now` if there is no
    Date or it is later. If several values were sent, the longest wait counts.
    """
    if "retry-after" not in headers:
        return None
    sent = http_date(headers.get("date", "").strip()) or now
    values = _BETWEEN.split(headers["retry-after"], _MOST_COMMAS)
    waits = [wait for value in values if (wait := _wait(value.strip(), sent, now)) is not None]
    return math.ceil(min(max(*waits, 0), at_most)) if waits else None


def _wait(value: str, sent: Moment, now: Moment) -> float | None:
    if _SECONDS.fullmatch(value):
        return float(value) * SECOND
    until = http_date(value)
    if until is None:
        return None
    return until - sent if sent <= until else until - now


@lru_cache(maxsize=16)  # all responses of one second have the same Date
def http_date(text: str) -> Moment | None:
    """Parse a date in any of HTTP's three forms; None if it is not one."""
    try:
        parsed = parsedate_to_datetime(text)
        if parsed.tzinfo is None:
            parsed = parsed.replace(tzinfo=UTC)
        return int((parsed - _EPOCH).total_seconds() * SECOND)
    except (ValueError, TypeError, OverflowError, IndexError):
        return None
