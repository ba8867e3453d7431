"""What a settled watch waits for, by a table: the next attempt, or why there is none."""

from dataclasses import replace

import pytest

from bridge.domain.delivery.deliveries import Delivery, DeliveryState
from bridge.domain.delivery.delivery_schedule import DeliverySchedule
from bridge.domain.delivery.verdicts import Deferred
from bridge.domain.history.delivery_waits import waiting_for_deliveries
from bridge.domain.history.standstill import Service
from bridge.domain.history.wait_reasons import WaitReason
from bridge.domain.times import DAY, HOUR, MINUTE, SECOND
from tests.support.samples import DELIVERY, NOW

DUE = replace(DELIVERY, due=NOW + SECOND)
FAILED = replace(DUE, attempts=1, failures=1, last_reason="HTTP 503", scheduled_at=NOW + 5)
ALIVE = Service(workers_alive=True, worker_seen_at=NOW)
PLACES = {DELIVERY.id: "the CRM", "dlv_other": "#ops"}
SCHEDULE = DeliverySchedule(pauses=(2 * SECOND, MINUTE), max_age=DAY)


@pytest.mark.parametrize(
    ("delivery", "paused_until", "reason", "since", "until"),
    [
        (DUE, 0, "sending", NOW, NOW + SECOND),
        (DUE, NOW + SECOND, "sending", NOW, NOW + SECOND),
        (DUE, NOW + MINUTE, "retry_after", NOW, NOW + MINUTE),
        (FAILED, 0, "retry", NOW + 5, NOW + SECOND),
        (replace(FAILED, due=NOW + HOUR, retry_after=NOW + HOUR), 0, "retry_after", NOW + 5, NOW + HOUR),
        (replace(DUE, held=True), 0, "precedence", NOW, NOW + SECOND),
        (replace(DUE, gathered=True, due=NOW + HOUR), 0, "digest", NOW, NOW + HOUR),
    ],
)
def test_a_pending_delivery_waits(delivery: Delivery, paused_until: int, reason: str, since: int, until: int) -> None:
    waiting = waiting_for_deliveries([delivery], PLACES, {delivery.lane: paused_until}, ALIVE, NOW)

    assert waiting is not None
    assert (waiting.reason, waiting.since, waiting.until) == (reason, since, until)
    assert "to the CRM" in waiting.detail


def test_the_longest_wait_counts_and_its_destination_is_named() -> None:
    other = replace(FAILED, id="dlv_other", due=NOW + HOUR)
    waiting = waiting_for_deliveries([other, DUE], PLACES, {}, ALIVE, NOW)

    assert waiting is not None
    assert waiting.detail == "attempt 1 to #ops failed: HTTP 503; the next one follows the schedule"


def test_nothing_waits_once_all_have_ended() -> None:
    ended = [replace(DUE, state=each) for each in DeliveryState if each is not DeliveryState.PENDING]

    assert waiting_for_deliveries(ended, PLACES, {}, Service(workers_alive=False), NOW) is None


def test_without_a_worker_nothing_is_sent() -> None:
    waiting = waiting_for_deliveries([DUE], PLACES, {}, Service(workers_alive=False), NOW)

    assert waiting is not None
    assert waiting.reason is WaitReason.NO_WORKER


@pytest.mark.parametrize(("asked", "remembered"), [(None, None), (SECOND, None), (HOUR, NOW + HOUR)])
def test_a_longer_wait_than_the_schedules_is_remembered(asked: int | None, remembered: int | None) -> None:
    after = DUE.after(Deferred("HTTP 429", wait=asked), NOW, schedule=SCHEDULE, jitter=0)

    assert after.retry_after == remembered
    assert after.due == (remembered or NOW + 2 * SECOND)
