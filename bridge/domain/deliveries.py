"""Deliveries: one notification to one destination each, and what each response of a destination means for it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import TypeAlias

from bridge.domain.outcomes import Outcome
from bridge.domain.secret import Secret
from bridge.domain.times import DAY, Moment, Span

ATTEMPTS_KEPT = 50
RETRY_AFTER_HONOURED: Span = DAY
"""The longest Retry-After that is honoured."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SlackWebhook:
    """A Slack incoming webhook. Its URL is a secret: anyone who knows it can post."""

    url: Secret
    on: frozenset[Outcome] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SlackChannel:
    """A channel that the operator's Slack bot posts to, identified by its id (`C0123ABCD`)."""

    channel: str
    on: frozenset[Outcome] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Callback:
    """An HTTP endpoint. Requests are signed with its own `secret`, or else with one derived for the client."""

    url: Secret
    secret: Secret | None = None
    headers: Mapping[str, Secret] = field(default_factory=dict)
    on: frozenset[Outcome] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedDestination:
    """A destination configured by the operator under a name, which is resolved at each attempt."""

    name: str
    on: frozenset[Outcome] | None = None


ResolvedDestination: TypeAlias = SlackWebhook | SlackChannel | Callback
"""A destination other than a name."""

Destination: TypeAlias = ResolvedDestination | NamedDestination
"""`on` holds the outcomes that the destination wants; None means all."""


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
    `max_tries`: the largest number of failures. `whole_lane`: all deliveries of the same lane wait as long.
    """

    reason: str
    wait: Span | None = None
    ambiguous: bool = False
    as_plain_text: bool = False
    max_tries: int | None = None
    whole_lane: bool = False


@dataclass(frozen=True, slots=True)
class Rejected:
    """The destination will never accept the message."""

    reason: str


Verdict: TypeAlias = Accepted | Deferred | Rejected


class DeliveryState(StrEnum):
    """`pending`, then one final state."""

    PENDING = "pending"
    DELIVERED = "delivered"
    ABANDONED = "abandoned"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One notification to one destination.

    `attempts` counts all requests made; `failures` those that failed since `owed_at`, so a redelivery resets it.
    """

    id: str
    watch_id: str
    client: str
    notification_id: str
    destination: Destination
    lane: str
    """Deliveries to the same receiver share a lane: `slack:…` or `callback:…`."""
    body: str = field(repr=False)
    """The message, rendered once when the watch settled."""
    owed_at: Moment
    """When the watch settled or a redelivery was requested; the delivery's age counts from here."""
    state: DeliveryState = DeliveryState.PENDING
    attempts: int = 0
    failures: int = 0
    plain: bool = False
    """Whether to send plain text, because the destination did not accept our formatting."""
    interrupted: bool = False
    """Whether a worker died after claiming it, so that it is unknown whether it was sent."""
    due: Moment | None = None
    last_reason: str | None = None
    ended_at: Moment | None = None

    def after(
        self, verdict: Verdict, now: Moment, *, schedule: Sequence[Span], max_age: Span, jitter: float
    ) -> "Delivery":
        """Return the delivery after one more attempt; `jitter` (0 to 1) adds up to a tenth to the pause."""
        made = replace(self, attempts=self.attempts + 1)
        match verdict:
            case Accepted():
                return made._ended(DeliveryState.DELIVERED, None, now)
            case Rejected(reason):
                return made._ended(DeliveryState.ABANDONED, reason, now)
            case Deferred():
                failed = replace(made, failures=self.failures + 1)
                return failed._deferred(verdict, now, schedule=schedule, max_age=max_age, jitter=jitter)

    def too_old(self, now: Moment, max_age: Span) -> bool:
        """Return whether the delivery has reached its maximum age: it is abandoned whatever the schedule says."""
        return now >= self.owed_at + max_age

    def abandoned_for_age(self, now: Moment) -> "Delivery":
        """Return the delivery as abandoned because of its age, without a further attempt."""
        reason = self.last_reason or "no attempt was possible"
        return self._ended(DeliveryState.ABANDONED, f"too old; last: {reason}", now)

    def abandoned(self, reason: str, now: Moment) -> "Delivery":
        """Return the delivery as abandoned for another reason, without a further attempt."""
        return self._ended(DeliveryState.ABANDONED, reason, now)

    def _deferred(
        self, verdict: Deferred, now: Moment, *, schedule: Sequence[Span], max_age: Span, jitter: float
    ) -> "Delivery":
        tries = len(schedule) if verdict.max_tries is None else min(verdict.max_tries - 1, len(schedule))
        planned = schedule[min(self.failures, len(schedule)) - 1]
        pause = max(planned + int(planned * jitter / 10), min(verdict.wait or 0, RETRY_AFTER_HONOURED))
        plain_failed = verdict.as_plain_text and self.plain
        if self.failures > tries or plain_failed or now + pause >= self.owed_at + max_age:
            return self._ended(DeliveryState.ABANDONED, verdict.reason, now)
        return replace(self, due=now + pause, last_reason=verdict.reason, plain=self.plain or verdict.as_plain_text)

    def _ended(self, state: DeliveryState, reason: str | None, now: Moment) -> "Delivery":
        return replace(self, state=state, last_reason=reason, due=None, ended_at=now)


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
