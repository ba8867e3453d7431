"""When a delivery is attempted again."""

from bridge.domain.delivery.delivery_schedule import DeliverySchedule
from bridge.domain.delivery.verdicts import Deferred
from bridge.domain.times import DAY, HOUR, MINUTE, SECOND
from tests.support.samples import NOW

SCHEDULE = DeliverySchedule(pauses=(2 * SECOND, MINUTE), max_age=HOUR)


def test_each_failure_has_its_pause_and_the_last_one_has_none() -> None:
    attempts = [
        SCHEDULE.next_attempt(Deferred("HTTP 503"), failures=failures, queued_at=NOW, now=NOW, jitter=0)
        for failures in (1, 2, 3)
    ]
    assert attempts == [NOW + 2 * SECOND, NOW + MINUTE, None]


def test_a_longer_pause_that_the_destination_asked_for_counts() -> None:
    def attempt_after(wait: int) -> int | None:
        return SCHEDULE.next_attempt(Deferred("HTTP 429", wait), failures=1, queued_at=NOW, now=NOW, jitter=0)

    assert attempt_after(SECOND) == NOW + 2 * SECOND
    assert attempt_after(MINUTE) == NOW + MINUTE
    assert attempt_after(DAY) is None, "older than max_age by then"


def test_a_delivery_of_the_longest_age_is_too_old() -> None:
    assert SCHEDULE.is_too_old(NOW, NOW + HOUR)
    assert not SCHEDULE.is_too_old(NOW, NOW + HOUR - 1)
