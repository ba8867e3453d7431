"""Deliveries: one notification to one destination each, and what each verdict on an attempt changes."""

from dataclasses import dataclass, field, replace
from enum import StrEnum

from bridge.domain.delivery.delivery_schedule import DeliverySchedule
from bridge.domain.delivery.posted_messages import PostedMessage
from bridge.domain.delivery.verdicts import Accepted, Deferred, Rejected, Verdict
from bridge.domain.destinations import Destination
from bridge.domain.times import Moment


class DeliveryState(StrEnum):
    """The state of a delivery: `pending` until it has ended, then one of the others."""

    PENDING = "pending"
    DELIVERED = "delivered"
    ABANDONED = "abandoned"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One notification to one destination.

    `attempts` counts all requests made; `failures` those that failed since `queued_at`, so a redelivery resets it.
    """

    id: str
    watch_id: str
    client: str
    notification_id: str
    destination: Destination
    lane: str
    """The lane, which deliveries to the same receiver share: `slack:…` or `callback:…`."""
    body: str = field(repr=False)
    """The message, rendered once when the watch settled."""
    queued_at: Moment
    """When the watch settled or a redelivery was requested; the age of the delivery counts from then."""
    held_until: Moment | None = None
    """Until when it is not sent, because it is a rule's, and an explicit watch takes precedence."""
    state: DeliveryState = DeliveryState.PENDING
    attempts: int = 0
    failures: int = 0
    plain: bool = False
    """Whether to send plain text, because the destination did not accept our formatting."""
    outside_thread: bool = False
    """Whether to send it outside the thread of its living message, because Slack did not accept it there."""
    interrupted: bool = False
    """Whether a worker died after claiming the delivery, so that it is unknown whether the message was sent."""
    held: bool = False
    """Whether it is a rule's and still held, because an explicit watch may take precedence."""
    gathered: bool = False
    """Whether it waits for a digest."""
    in_digest: bool = False
    """Whether a digest has told it, or could not; then it is not sent singly, unless it is redelivered by its id."""
    scheduled_at: Moment | None = None
    """When `due` was last decided; None if that was at `queued_at`."""
    retry_after: Moment | None = None
    """Until when the receiver has asked to wait, if that is longer than the schedule's pause."""
    due: Moment | None = None
    last_reason: str | None = None
    traceparent: str | None = None
    """The trace of its watch, if there were traces."""
    ended_at: Moment | None = None
    posted: PostedMessage | None = None
    """The message in Slack that it has become."""
    button: str = ""
    """The digest of the button "Send again" that this message has; empty if it has none."""
    button_failures: int = 0
    """The number of edits in a row that failed to change that button."""

    @property
    def waits_since(self) -> Moment:
        """Since when it waits for its next attempt."""
        return max(self.queued_at, self.scheduled_at or 0)

    def after(self, verdict: Verdict, now: Moment, *, schedule: DeliverySchedule, jitter: float) -> "Delivery":
        """Return the delivery after one more attempt; `jitter` (0 to 1) adds up to a tenth to the pause."""
        made = replace(self, attempts=self.attempts + 1)
        match verdict:
            case Accepted(posted):
                return replace(made._ended(DeliveryState.DELIVERED, None, now), posted=posted)
            case Rejected(reason):
                return made._ended(DeliveryState.ABANDONED, reason, now)
            case Deferred():
                failed = replace(made, failures=self.failures + 1)
                return failed._deferred(verdict, now, schedule=schedule, jitter=jitter)

    def abandoned_for_age(self, now: Moment) -> "Delivery":
        """Return the delivery as abandoned because of its age, without a further attempt."""
        reason = self.last_reason or "no attempt was possible"
        return self._ended(DeliveryState.ABANDONED, f"too old; last: {reason}", now)

    def abandoned(self, reason: str, now: Moment) -> "Delivery":
        """Return the delivery as abandoned for another reason, without a further attempt."""
        return self._ended(DeliveryState.ABANDONED, reason, now)

    def _deferred(self, verdict: Deferred, now: Moment, *, schedule: DeliverySchedule, jitter: float) -> "Delivery":
        due = schedule.next_attempt(verdict, failures=self.failures, queued_at=self.queued_at, now=now, jitter=jitter)
        if due is None or (verdict.as_plain_text and self.plain):
            return self._ended(DeliveryState.ABANDONED, verdict.reason, now)
        asked = schedule.asked_until(verdict, now)
        return replace(
            self,
            due=due,
            last_reason=verdict.reason,
            plain=self.plain or verdict.as_plain_text,
            outside_thread=self.outside_thread or verdict.outside_thread,
            retry_after=due if asked is not None and asked >= due else None,
        )

    def _ended(self, state: DeliveryState, reason: str | None, now: Moment) -> "Delivery":
        return replace(self, state=state, last_reason=reason, due=None, ended_at=now, retry_after=None)
