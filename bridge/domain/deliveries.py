"""A delivery: one notification owed to one destination; and what each answer of a destination makes of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import TypeAlias

from bridge.domain.outcomes import Outcome
from bridge.domain.secret import Secret
from bridge.domain.times import DAY, Moment, Span

ATTEMPTS_KEPT = 50
RETRY_AFTER_HONOURED: Span = DAY
"""A destination may ask us to wait for at most this long."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SlackWebhook:
    """A Slack incoming webhook; its URL is the key to the channel."""

    url: Secret
    on: frozenset[Outcome] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SlackChannel:
    """A channel that the operator's Slack bot posts to, by its id (`C0123ABCD`)."""

    channel: str
    on: frozenset[Outcome] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Callback:
    """An HTTP endpoint; signed with its own `secret` or else one derived for the client."""

    url: Secret
    secret: Secret | None = None
    headers: Mapping[str, Secret] = field(default_factory=dict)
    on: frozenset[Outcome] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedDestination:
    """A destination that the operator configured under a name; looked up whenever something is sent."""

    name: str
    on: frozenset[Outcome] | None = None


ResolvedDestination: TypeAlias = SlackWebhook | SlackChannel | Callback
"""A destination that can be sent to as it is."""

Destination: TypeAlias = ResolvedDestination | NamedDestination
"""`on` holds the outcomes that a destination asked for; None: all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What to POST, and where; everything in it may be secret."""

    url: Secret
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """What a destination answered: header names in lower case, at most the first 64 KB of the body.

    Not `whole`: the body broke off, or did not end in time.
    """

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    whole: bool = True


class Failure(StrEnum):
    """Why a request got no answer; all but the last two mean that nothing was sent."""

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
    """No answer came; `reason` is in words that hold no secret."""

    failure: Failure
    reason: str


SendResult: TypeAlias = Response | NoResponse


@dataclass(frozen=True, slots=True)
class Accepted:
    """The destination took the message."""


@dataclass(frozen=True, slots=True)
class Deferred:
    """Not now: again by the schedule, and never before `wait` (ms) has passed, where the destination asked for it.

    `ambiguous`: the message may have arrived all the same. `plainly`: again as plain text only, and only once.
    `tries`: no more than so many failures in all. `whole_lane`: all that goes to the same place has to wait as long.
    """

    reason: str
    wait: Span | None = None
    ambiguous: bool = False
    as_plain_text: bool = False
    max_tries: int | None = None
    whole_lane: bool = False


@dataclass(frozen=True, slots=True)
class Rejected:
    """Never: trying again can't help."""

    reason: str


Verdict: TypeAlias = Accepted | Deferred | Rejected


class DeliveryState(StrEnum):
    """`pending`, then one of the others."""

    PENDING = "pending"
    DELIVERED = "delivered"
    ABANDONED = "abandoned"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One notification owed to one destination.

    `attempts` counts the requests made, from 1; `failures` those that failed since it is owed, which a redelivery
    begins anew.
    """

    id: str
    watch_id: str
    client: str
    notification_id: str
    destination: Destination
    lane: str
    """What goes to one place waits in one lane: `slack:…` or `callback:…`."""
    body: str = field(repr=False)
    """What is sent, rendered once when the watch settled."""
    owed_at: Moment
    """When the watch settled, or someone asked for it again: its age counts from here."""
    state: DeliveryState = DeliveryState.PENDING
    attempts: int = 0
    failures: int = 0
    plain: bool = False
    """Whether the destination could not read our formatting, so that it is sent as plain text."""
    interrupted: bool = False
    """Whether a worker died after it had claimed this, so that nobody knows if it was sent."""
    due: Moment | None = None
    last_reason: str | None = None
    ended_at: Moment | None = None

    def after(
        self, verdict: Verdict, now: Moment, *, schedule: Sequence[Span], max_age: Span, jitter: float
    ) -> "Delivery":
        """Give the delivery as it stands after one more attempt; `jitter` (0 to 1) adds up to a tenth to the pause."""
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
        """Tell whether the message is past its time: it is abandoned whatever the schedule says."""
        return now >= self.owed_at + max_age

    def abandoned_for_age(self, now: Moment) -> "Delivery":
        """Give the delivery as abandoned without a further attempt."""
        reason = self.last_reason or "no attempt was possible"
        return self._ended(DeliveryState.ABANDONED, f"too old; last: {reason}", now)

    def abandoned(self, reason: str, now: Moment) -> "Delivery":
        """Give the delivery as abandoned for a reason of ours, without a further attempt."""
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
    """One request made for a delivery, as it is recorded: `number` from 1, `took` in ms."""

    number: int
    at: Moment
    took: Span
    status: int | None
    reason: str | None
    answer: str = field(default="", repr=False)
    """The first bytes of what was answered."""
