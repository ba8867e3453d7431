"""The deliver shift: claim deliveries that are due, send each, and record the attempt and its verdict."""

import asyncio
import random
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from time import monotonic

import structlog

from bridge.destinations import kind
from bridge.destinations.descriptions import describe
from bridge.destinations.sending import JudgedResult, send
from bridge.domain.delivery.attempts import Attempt
from bridge.domain.delivery.deliveries import Delivery, DeliveryState
from bridge.domain.delivery.posted_messages import Thread
from bridge.domain.delivery.verdicts import Accepted, Deferred, Rejected, Verdict
from bridge.domain.destinations import NamedDestination
from bridge.domain.living.end_thread import LOOK_AGAIN, AwaitPost, Place, place_of
from bridge.domain.notices.notice_texts import slack_token_refused
from bridge.domain.notices.notices import OPERATOR
from bridge.domain.polling.quarantine import QUARANTINE
from bridge.domain.times import DAY, SECOND, Moment, Span
from bridge.errors import DecryptionFailed, StoreUnavailable
from bridge.ids import derived_id
from bridge.metrics import process_counts
from bridge.resources import Resources
from bridge.store.deliveries.deliveries import DeliveryClaim
from workers.delivery_slots import DeliverySlots
from workers.notify_operator import OperatorNotifier

LEASE: Span = 30 * SECOND
"""The lease of a claim: longer than the longest attempt, so that no other worker sends the delivery meanwhile."""
ATTEMPT_STARTS_WITHIN: Span = 5 * SECOND
"""How long after its claim an attempt may start; a later one might outlast the lease."""
SLACK_LANES = "slack:"
LATE_AFTER = 0.5
"""Seconds without an answer after which an attempt releases its slot, and its lane counts as doubtful."""

VERDICTS: Mapping[type[Verdict], str] = {Accepted: "accepted", Deferred: "deferred", Rejected: "rejected"}
"""The labels of verdicts in the metrics."""

log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimedDelivery:
    """A claimed delivery, with the deadline (monotonic seconds) for its start."""

    claim: DeliveryClaim
    start_by: float
    clock: float
    """The difference between Redis' clock and the monotonic clock, in seconds."""

    def now(self) -> Moment:
        return int((self.clock + monotonic()) * SECOND)


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryResult:
    """The result for a claimed delivery: its state after an attempt, or until when it is postponed without one."""

    claim: DeliveryClaim
    after: Delivery | None = None
    attempt: Attempt | None = None
    lane_pause: Span = 0
    """The pause that the receiver requested for the whole lane."""
    refused_token: bool = False
    postponed_until: Moment = 0
    reason: str = ""


class DeliverWork:
    """The steps of a deliver shift."""

    name = "deliver"

    def __init__(self, resources: Resources, operator: OperatorNotifier) -> None:
        self._resources = resources
        self._operator = operator
        self._slots = DeliverySlots()
        self._doubting: set[asyncio.Task[None]] = set()
        self.on_slot_released: Callable[[], None] = lambda: None
        """The function that is called when a late attempt has released its slot."""

    @property
    def room(self) -> int:
        return self._slots.room

    async def claim(self, room: int) -> tuple[Sequence[ClaimedDelivery], float | None]:
        began = monotonic()
        now, next_due, claims = await self._resources.deliveries.claim(
            room=room, lease=LEASE, doubtful=self._slots.doubtful
        )
        claimed = [
            ClaimedDelivery(claim=claim, start_by=began + ATTEMPT_STARTS_WITHIN / SECOND, clock=now / SECOND - began)
            for claim in claims
        ]
        for claim in claims:
            self._slots.acquire(claim)
        return claimed, None if next_due is None else max(0.0, (next_due - now) / SECOND)

    async def act(self, claimed: ClaimedDelivery) -> DeliveryResult:
        late = asyncio.get_running_loop().call_later(LATE_AFTER, self._on_late, claimed.claim)
        try:
            return await self._attempt(claimed)
        finally:
            late.cancel()
            self._slots.release(claimed.claim)

    def _on_late(self, claim: DeliveryClaim) -> None:
        """Release the slot of an attempt without an answer, and mark its lane as doubtful meanwhile."""
        if self._slots.release_late(claim):
            self.on_slot_released()
        doubting = asyncio.create_task(self._doubt(claim.lane))
        self._doubting.add(doubting)
        doubting.add_done_callback(self._doubting.discard)

    async def _doubt(self, lane: str) -> None:
        # The store has logged an outage. If the attempt fails, its commit makes the lane doubtful as well.
        with suppress(StoreUnavailable):
            await self._resources.lanes.mark_doubtful(lane)

    async def _attempt(self, claimed: ClaimedDelivery) -> DeliveryResult:
        schedule, settings = self._resources.delivery_schedule, self._resources.settings
        started = claimed.now()
        if monotonic() >= claimed.start_by:
            return DeliveryResult(
                claim=claimed.claim, postponed_until=started, reason="withheld: the worker was suspended"
            )
        delivery = self._resources.deliveries.decrypt(claimed.claim)
        if schedule.is_too_old(delivery.queued_at, started):
            return DeliveryResult(claim=claimed.claim, after=delivery.abandoned_for_age(started))
        if delivery.interrupted and settings.slack_at_most_once and delivery.lane.startswith(SLACK_LANES):
            reason = "a worker died while sending; perhaps delivered, and SLACK_AT_MOST_ONCE is set"
            return DeliveryResult(claim=claimed.claim, after=delivery.abandoned(reason, started))
        place = await self._place(delivery, claimed.now())
        if isinstance(place, AwaitPost):
            return DeliveryResult(
                claim=claimed.claim, postponed_until=started + LOOK_AGAIN, reason="waits for its living message"
            )
        result = await self._send(delivery, claimed, place)
        verdict = result.verdict
        after = delivery.after(
            verdict,
            claimed.now(),
            schedule=schedule,
            jitter=random.random(),  # noqa: S311 - spreads load only
        )
        attempt = _attempt(after.attempts, started, claimed.now() - started, result)
        _log_attempt(after, attempt, self._resources.fingerprint(after.destination))
        process_counts.delivery_attempts.add(self._kind(after), VERDICTS[type(verdict)])
        lane_pause = (verdict.wait or 0) if isinstance(verdict, Deferred) and verdict.whole_lane else 0
        refused = isinstance(verdict, Deferred) and verdict.refused_token
        return DeliveryResult(
            claim=claimed.claim, after=after, attempt=attempt, lane_pause=lane_pause, refused_token=refused
        )

    async def _place(self, delivery: Delivery, now: Moment) -> Place:
        """Return where a delivery is told: in the thread of its living message, if it has one."""
        end = self._resources.end_place(delivery.destination)
        if end is None or delivery.outside_thread or not delivery.watch_id:
            return None
        receiver = self._resources.receiver_key(delivery.destination)
        try:
            living = await self._resources.living.of_watch(delivery.watch_id, receiver)
        except DecryptionFailed:
            return None
        except StoreUnavailable:
            return AwaitPost()  # nothing was sent, so the claim must not look as if a worker had died while sending
        return place_of(end, living, now)

    async def _send(self, delivery: Delivery, claimed: ClaimedDelivery, thread: Thread | None) -> JudgedResult:
        traces = self._resources.traces
        if traces is None or delivery.traceparent is None:
            return await self._send_once(delivery, claimed, thread)
        facts: dict[str, str | int] = {"delivery_id": delivery.id, "kind": self._kind(delivery)}
        with traces.sent("attempt", delivery.traceparent, facts) as traced:
            result = await self._send_once(delivery, claimed, thread, traceparent=traced.traceparent)
            status = {} if result.status is None else {"http.response.status_code": result.status}
            traced.add({"verdict": VERDICTS[type(result.verdict)], **status})
        return result

    async def _send_once(
        self, delivery: Delivery, claimed: ClaimedDelivery, thread: Thread | None, *, traceparent: str | None = None
    ) -> JudgedResult:
        return await send(
            delivery.destination,
            delivery.body,
            message_id=delivery.notification_id,
            client=delivery.client,
            now=claimed.now,
            named=self._resources.named,
            sender=self._resources.sender,
            egress=self._resources.egress,
            plain=delivery.plain,
            thread=thread,
            traceparent=traceparent,
        )

    def set_aside(self, claimed: ClaimedDelivery, error: Exception) -> DeliveryResult:
        reason = f"internal error ({type(error).__name__})"
        return DeliveryResult(claim=claimed.claim, postponed_until=claimed.now() + QUARANTINE, reason=reason)

    async def commit(self, results: Sequence[DeliveryResult]) -> None:
        for result in results:
            if result.lane_pause:
                # Before the commit, which frees the lane.
                await self._resources.lanes.pause(result.claim.lane, result.lane_pause)
        attempted = [
            (result.after, result.claim.fence, result.attempt) for result in results if result.after is not None
        ]
        if attempted:
            committed = await self._resources.attempts.commit_many(attempted)
            for (after, _, _), is_ours in zip(attempted, committed, strict=True):
                if is_ours:
                    self._count_end(after)
        for result in results:
            if result.after is None:
                await self._resources.attempts.postpone(result.claim, result.postponed_until, result.reason)
        for attempt in (result.attempt for result in results if result.refused_token and result.attempt):
            await self._report_refused_token(attempt)

    def _count_end(self, after: Delivery) -> None:
        if after.client == OPERATOR:
            _count_notice(after)
        match after.state:
            case DeliveryState.ABANDONED:
                process_counts.deliveries_abandoned.add(self._kind(after))
            case DeliveryState.DELIVERED if after.ended_at is not None:
                process_counts.delivery_delay.observe((after.ended_at - after.queued_at) / SECOND, self._kind(after))

    def _kind(self, delivery: Delivery) -> str:
        """Return the kind of the receiver; `named` if its name is not configured any more."""
        destination = delivery.destination
        if isinstance(destination, NamedDestination):
            destination = self._resources.named.get(destination.name, destination)
        return kind(destination)

    async def _report_refused_token(self, attempt: Attempt) -> None:
        """Tell the operator, once a day for the whole fleet."""
        notice = slack_token_refused(attempt.reason or "", attempt.at)
        await self._operator.send(notice, notice_id=derived_id("dlv_", attempt.at - attempt.at % DAY, notice.type))


def _count_notice(after: Delivery) -> None:
    """Count a notice to the operator that has ended. That one failed is told by the log and the metrics only."""
    match after.state:
        case DeliveryState.DELIVERED:
            process_counts.notices.add("delivered")
        case DeliveryState.ABANDONED:
            process_counts.notices.add("failed")
            log.error("notice.failed", delivery_id=after.id, reason=after.last_reason)


def _attempt(number: int, at: Moment, took: Span, result: JudgedResult) -> Attempt:
    reason = None if isinstance(result.verdict, Accepted) else result.verdict.reason
    return Attempt(number=number, at=at, took=took, status=result.status, reason=reason, answer=result.excerpt)


def _log_attempt(after: Delivery, attempt: Attempt, fingerprint: str) -> None:
    """Log one line with everything about an attempt."""
    log.info(
        "delivery.attempted",
        watch_id=after.watch_id or None,  # a notice to the operator has no watch
        delivery_id=after.id,
        kind=kind(after.destination),
        destination=describe(after.destination),
        fingerprint=fingerprint,
        attempt=attempt.number,
        status=attempt.status,
        state=after.state.value,
        reason=attempt.reason,
        took_ms=attempt.took,
        next_in_ms=None if after.due is None else after.due - attempt.at - attempt.took,
    )
