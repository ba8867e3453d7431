"""The deliver shift: claim deliveries that are due, send each, record the attempt and what it meant."""

import asyncio
import random
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from time import monotonic

import structlog

from bridge.destinations import describe, kind
from bridge.destinations.sending import Result, send
from bridge.domain.deliveries import (
    Accepted,
    Attempt,
    Deferred,
    Delivery,
)
from bridge.domain.polls import POISON_PAUSE
from bridge.domain.times import SECOND, Moment, Span
from bridge.errors import StoreUnavailable
from bridge.resources import Resources
from bridge.store.deliveries import DeliveryClaim
from workers.places import Places

LEASE: Span = 30 * SECOND
"""Longer than the longest attempt, so that no other worker sends meanwhile."""
START_WITHIN = 5.0
"""Seconds after its claim in which an attempt must start; later the lease might run out under it."""
SLACK_LANES = "slack:"
LATE = 0.5
"""Seconds without an answer after which an attempt gives up its place, and its receiver hangs for all we know."""

log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class Sending:
    """A claimed delivery with the local deadline (monotonic seconds) of its start."""

    claimed: DeliveryClaim
    start_by: float
    clock: float

    def now(self) -> Moment:
        return int((self.clock + monotonic()) * SECOND)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """What came of a claimed delivery: as it stands after its attempt, or put off without one."""

    claimed: DeliveryClaim
    after: Delivery | None = None
    attempt: Attempt | None = None
    hold: Span = 0
    """For how long its receiver wants nothing at all."""
    put_off_until: Moment = 0
    reason: str = ""


class DeliverWork:
    """The steps of a deliver shift."""

    name = "deliver"

    def __init__(self, resources: Resources) -> None:
        self._resources = resources
        self._places = Places()
        self._doubting: set[asyncio.Task[None]] = set()
        self.freed: Callable[[], None] = lambda: None
        """Called when an attempt has given up its place before its end."""

    @property
    def room(self) -> int:
        return self._places.room

    async def claim(self, room: int) -> tuple[Sequence[Sending], float | None]:
        asked = monotonic()
        now, next_due, claims = await self._resources.deliveries.claim(
            room=room, lease=LEASE, doubtful=self._places.doubtful
        )
        sendings = [
            Sending(claimed=claim, start_by=asked + START_WITHIN, clock=now / SECOND - asked) for claim in claims
        ]
        for claim in claims:
            self._places.take(claim)
        return sendings, None if next_due is None else max(0.0, (next_due - now) / SECOND)

    async def act(self, claim: Sending) -> Sent:
        late = asyncio.get_running_loop().call_later(LATE, self._is_late, claim.claimed)
        try:
            return await self._attempt(claim)
        finally:
            late.cancel()
            self._places.leave(claim.claimed)

    def _is_late(self, claim: DeliveryClaim) -> None:
        """Let others have the place of an attempt without an answer, and send its receiver nothing more meanwhile."""
        if self._places.pass_on(claim):
            self.freed()
        doubting = asyncio.create_task(self._doubt(claim.lane))
        self._doubting.add(doubting)
        doubting.add_done_callback(self._doubting.discard)

    async def _doubt(self, lane: str) -> None:
        with suppress(StoreUnavailable):  # the store tells of it; a lane that fails is doubtful soon
            await self._resources.deliveries.doubt(lane)

    async def _attempt(self, claim: Sending) -> Sent:
        settings = self._resources.settings
        started = claim.now()
        if monotonic() >= claim.start_by:
            return Sent(claimed=claim.claimed, put_off_until=started, reason="withheld: the worker had been stopped")
        delivery = self._resources.deliveries.open(claim.claimed)
        if delivery.too_old(started, settings.delivery_max_age):
            return Sent(claimed=claim.claimed, after=delivery.outlived(started))
        if delivery.interrupted and settings.slack_at_most_once and delivery.lane.startswith(SLACK_LANES):
            reason = "a worker died while sending; perhaps delivered, and SLACK_AT_MOST_ONCE is set"
            return Sent(claimed=claim.claimed, after=delivery.given_up(reason, started))
        result = await self._send(delivery, claim)
        verdict = result.verdict
        after = delivery.after(
            verdict,
            claim.now(),
            schedule=settings.delivery_schedule,
            max_age=settings.delivery_max_age,
            jitter=random.random(),  # noqa: S311 - spreads load only
        )
        attempt = _attempt(after.attempts, started, claim.now() - started, result)
        _tell(after, attempt)
        hold = (verdict.wait or 0) if isinstance(verdict, Deferred) and verdict.for_all else 0
        return Sent(claimed=claim.claimed, after=after, attempt=attempt, hold=hold)

    async def _send(self, delivery: Delivery, claim: Sending) -> Result:
        return await send(
            delivery.destination,
            delivery.body,
            message_id=delivery.notification_id,
            client=delivery.client,
            now=claim.now,
            named=self._resources.named,
            sender=self._resources.sender,
            egress=self._resources.egress,
            plain=delivery.plain,
        )

    def poisoned(self, claim: Sending, error: Exception) -> Sent:
        reason = f"internal error ({type(error).__name__})"
        return Sent(claimed=claim.claimed, put_off_until=claim.now() + POISON_PAUSE, reason=reason)

    async def commit(self, results: Sequence[Sent]) -> None:
        deliveries = self._resources.deliveries
        for sent in results:
            if sent.hold:
                await deliveries.hold(sent.claimed.lane, sent.hold)  # before the commit, which lets the next one go
        made = [(sent.after, sent.claimed.fence, sent.attempt) for sent in results if sent.after is not None]
        if made:
            await deliveries.commit_many(made)
        for sent in results:
            if sent.after is None:
                await deliveries.put_aside(sent.claimed, sent.put_off_until, sent.reason)


def _attempt(number: int, at: Moment, took: Span, result: Result) -> Attempt:
    reason = None if isinstance(result.verdict, Accepted) else result.verdict.reason
    return Attempt(number=number, at=at, took=took, status=result.status, reason=reason, answer=result.said)


def _tell(after: Delivery, attempt: Attempt) -> None:
    """Log the one line that tells all about an attempt."""
    log.info(
        "delivery.attempted",
        watch_id=after.watch_id,
        delivery_id=after.id,
        kind=kind(after.destination),
        destination=describe(after.destination),
        attempt=attempt.number,
        status=attempt.status,
        state=after.state.value,
        reason=attempt.reason,
        took_ms=attempt.took,
        next_in_ms=None if after.due is None else after.due - attempt.at - attempt.took,
    )
