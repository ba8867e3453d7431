"""What a settled watch waits for: the messages that are not sent yet."""

from collections.abc import Mapping, Sequence

from bridge.domain.delivery.deliveries import Delivery, DeliveryState
from bridge.domain.history.standstill import Service, standstill
from bridge.domain.history.wait_reasons import WaitingFor, WaitReason
from bridge.domain.times import SECOND, Moment, Span

USUAL_PACE: Span = SECOND
"""The pause between two messages to a receiver at Slack; a longer one was asked for."""


def waiting_for_deliveries(
    deliveries: Sequence[Delivery],
    places: Mapping[str, str],
    pauses: Mapping[str, Moment],
    service: Service,
    now: Moment,
) -> WaitingFor | None:
    """Return what the deliveries of a settled watch wait for; None if none is pending.

    If several are pending, the one that has to wait longest counts. `places` are where deliveries go, by their ids;
    `pauses` are the ends of the pauses of lanes.
    """
    pending = [each for each in deliveries if each.state is DeliveryState.PENDING]
    if pending and (stopped := standstill(service)) is not None:
        return stopped
    waits = [waiting_for_delivery(each, places[each.id], pauses.get(each.lane, 0), now) for each in pending]
    return max(waits, key=lambda each: each.until or 0, default=None)


def waiting_for_delivery(delivery: Delivery, place: str, lane_paused_until: Moment, now: Moment) -> WaitingFor:
    """Return what one pending delivery waits for; its `last_reason` becomes part of the sentence."""
    reason, detail = _reason(delivery, place, lane_paused_until, now)
    due = delivery.due
    if reason is WaitReason.RETRY_AFTER:
        due = max(lane_paused_until, due or 0)
    return WaitingFor(reason=reason, since=delivery.waits_since, until=due, detail=detail)


def _reason(delivery: Delivery, place: str, lane_paused_until: Moment, now: Moment) -> tuple[WaitReason, str]:
    if delivery.held:
        detail = f"the rule's message to {place} is held for a moment: a watch may tell the same destination"
        return WaitReason.PRECEDENCE, detail
    if delivery.gathered:
        return WaitReason.DIGEST, f"the message to {place} is part of a digest that is not sent yet"
    last = f": {delivery.last_reason}" if delivery.last_reason else ""
    if delivery.retry_after is not None:
        detail = f"attempt {delivery.attempts} to {place} failed, and the receiver asked to wait{last}"
        return WaitReason.RETRY_AFTER, detail
    if lane_paused_until > max(delivery.due or 0, now + USUAL_PACE):
        return WaitReason.RETRY_AFTER, f"the receiver asked to wait before any further message to {place}"
    if delivery.failures:
        detail = f"attempt {delivery.attempts} to {place} failed{last}; the next one follows the schedule"
        return WaitReason.RETRY, detail
    return WaitReason.SENDING, f"the message to {place} is sent next, after others to the same receiver{last}"
