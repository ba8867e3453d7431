"""Retry-After: how long a destination asks us to wait, however oddly it says so."""

import math
import re
from collections.abc import Mapping
from datetime import UTC, datetime

from bridge.domain.deliveries import RETRY_AFTER_HONOURED
from bridge.domain.times import SECOND, Moment, Span

_SECONDS = re.compile(r"[+-]?[0-9]+(\.[0-9]*)?")
"""Whole seconds by the book; fractions are seen."""
_DATES = ("%a, %d %b %Y %H:%M:%S GMT", "%A, %d-%b-%y %H:%M:%S GMT", "%a %b %d %H:%M:%S %Y")
"""The three forms of https://www.rfc-editor.org/rfc/rfc9110#section-5.6.7"""
_BETWEEN = re.compile(r",(?! ?[0-9]{2}[ -][A-Za-z]{3}[ -])")
"""The commas that stand between several headers, as a proxy and the server behind it send them; not those in dates."""
_COMMAS_SEEN = 7
"""More of them are an attempt to keep us busy."""


def retry_after(headers: Mapping[str, str], now: Moment) -> Span | None:
    """Give the wait that an answer asks for, from 0 to the longest we honour; None where it makes no sense.

    A date counts from the answer's own Date, so that its sender's clock may be wrong; from ours where that Date lies
    behind it. Of several the longest counts.
    """
    if "retry-after" not in headers:
        return None
    sent = _moment(headers.get("date", "").strip()) or now
    asked = _BETWEEN.split(headers["retry-after"], _COMMAS_SEEN)
    waits = [_wait(each.strip(), sent, now) for each in asked]
    return max((wait for wait in waits if wait is not None), default=None)


def _wait(asked: str, sent: Moment, now: Moment) -> Span | None:
    if _SECONDS.fullmatch(asked):
        return _honoured(float(asked) * SECOND)
    until = _moment(asked)
    if until is None:
        return None
    return _honoured(until - sent if sent <= until else until - now)


def _honoured(wait: float) -> Span:
    return math.ceil(min(max(wait, 0), RETRY_AFTER_HONOURED))


def _moment(text: str) -> Moment | None:
    for form in _DATES:
        try:
            return int(datetime.strptime(text, form).replace(tzinfo=UTC).timestamp()) * SECOND
        except ValueError:
            continue
    return None
