"""Retry-After: how long a destination asks us to wait, however oddly it says so."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime

from bridge.domain.deliveries import RETRY_AFTER_HONOURED
from bridge.domain.times import SECOND, Moment, Span

_SECONDS = re.compile(r"[+-]?[0-9]+(\.[0-9]*)?")
"""Whole seconds by the book; fractions are seen."""
_DATES = ("%a, %d %b %Y %H:%M:%S GMT", "%A, %d-%b-%y %H:%M:%S GMT", "%a %b %d %H:%M:%S %Y")
"""The three forms of https://www.rfc-editor.org/rfc/rfc9110#section-5.6.7"""


def retry_after(headers: Mapping[str, str], now: Moment) -> Span | None:
    """Give the wait that an answer asks for, from 0 to the longest we honour; None where it makes no sense.

    A date counts from the answer's own Date, so that its sender's clock may be wrong.
    """
    asked = headers.get("retry-after", "").strip()
    if _SECONDS.fullmatch(asked):
        return _honoured(float(asked) * SECOND)
    until = _moment(asked)
    if until is None:
        return None
    sent = _moment(headers.get("date", "").strip())
    return _honoured(until - (now if sent is None else sent))


def _honoured(wait: float) -> Span:
    return int(min(max(wait, 0), RETRY_AFTER_HONOURED))


def _moment(text: str) -> Moment | None:
    for form in _DATES:
        try:
            return int(datetime.strptime(text, form).replace(tzinfo=UTC).timestamp()) * SECOND
        except ValueError:
            continue
    return None
