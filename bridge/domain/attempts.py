"""Attempts: the request of a delivery, the response, and the verdict on it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeAlias

from bridge.domain.secret import Secret
from bridge.domain.times import Moment, Span

ATTEMPTS_KEPT = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What to POST, and where. All parts may be secret."""

    url: Secret
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """A destination's response: header names in lower case, and at most the first 64 KB of the body.

    `whole` is False if the body broke off or did not end in time.
    """

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    whole: bool = True


class Failure(StrEnum):
    """Why there was no response; for all but the last two, nothing was sent."""

    NOT_CONFIGURED = "not_configured"
    REFUSED_ADDRESS = "refused_address"
    DNS = "dns_failure"
    CONNECT = "connect_failure"
    PROXY = "proxy_refused"
    TLS = "tls_failure"
    TIMEOUT = "timeout"
    BROKEN = "broken_connection"


@dataclass(frozen=True, slots=True, kw_only=True)
class NoResponse:
    """No response was received; `reason` contains no secret."""

    failure: Failure
    reason: str


SendResult: TypeAlias = Response | NoResponse


@dataclass(frozen=True, slots=True)
class Accepted:
    """The destination took the message."""


@dataclass(frozen=True, slots=True)
class Deferred:
    """The attempt failed and is repeated by the schedule, but not before `wait` (ms) if the destination asked for it.

    `ambiguous`: the message may have arrived nevertheless. `as_plain_text`: repeat once, as plain text only.
    `max_tries`: the largest number of attempts. `whole_lane`: all deliveries of the same lane wait as long.
    """

    reason: str
    wait: Span | None = None
    ambiguous: bool = False
    as_plain_text: bool = False
    max_tries: int | None = None
    whole_lane: bool = False


@dataclass(frozen=True, slots=True)
class Rejected:
    """The message must not be sent again: the destination will never accept it, or it may have arrived already.

    The latter counts only for Slack, if the operator has set SLACK_AT_MOST_ONCE.
    """

    reason: str


Verdict: TypeAlias = Accepted | Deferred | Rejected


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """The record of one request of a delivery: `number` counts from 1, `took` is in ms."""

    number: int
    at: Moment
    took: Span
    status: int | None
    reason: str | None
    answer: str = field(default="", repr=False)
    """The beginning of the response body."""
