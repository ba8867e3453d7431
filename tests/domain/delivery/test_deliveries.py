"""What each verdict changes about a delivery."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.domain.delivery.deliveries import DeliveryState
from bridge.domain.delivery.delivery_schedule import DeliverySchedule
from bridge.domain.delivery.posted_messages import PostedMessage
from bridge.domain.delivery.verdicts import Accepted, Deferred, Rejected, Verdict
from bridge.domain.times import DAY, HOUR, MINUTE, SECOND, Moment
from tests.support.samples import DELIVERY, NOW

PAUSES = (2 * SECOND, 5 * SECOND, MINUTE)
SCHEDULE = DeliverySchedule(pauses=PAUSES, max_age=3 * DAY)


@pytest.mark.parametrize(
    ("verdict", "made", "state", "due"),
    [
        (Accepted(), 0, DeliveryState.DELIVERED, None),
        (Rejected("410"), 0, DeliveryState.ABANDONED, None),
        (Deferred("503"), 0, DeliveryState.PENDING, NOW + 2 * SECOND),
        (Deferred("503"), 2, DeliveryState.PENDING, NOW + MINUTE),
        (Deferred("503"), 3, DeliveryState.ABANDONED, None),
        (Deferred("429", HOUR), 0, DeliveryState.PENDING, NOW + HOUR),
        (Deferred("429", SECOND), 2, DeliveryState.PENDING, NOW + MINUTE),
        (Deferred("429", 9 * DAY), 0, DeliveryState.PENDING, NOW + DAY),
        (Deferred("new", max_tries=3), 1, DeliveryState.PENDING, NOW + 5 * SECOND),
        (Deferred("new", max_tries=3), 2, DeliveryState.ABANDONED, None),
    ],
)
def test_each_verdict_changes_the_state_of_a_delivery(
    verdict: Verdict, made: int, state: DeliveryState, due: Moment | None
) -> None:
    after = replace(DELIVERY, attempts=made, failures=made).after(verdict, NOW, schedule=SCHEDULE, jitter=0)

    assert (after.state, after.due, after.attempts) == (state, due, made + 1)
    assert (after.ended_at is None) == (state is DeliveryState.PENDING)


def test_an_unreadable_message_is_repeated_once_as_plain_text_and_then_abandoned() -> None:
    unreadable = Deferred("invalid_blocks", as_plain_text=True)
    again = DELIVERY.after(unreadable, NOW, schedule=SCHEDULE, jitter=0)
    ended = again.after(unreadable, NOW, schedule=SCHEDULE, jitter=0)

    assert (again.state, again.plain) == (DeliveryState.PENDING, True)
    assert ended.state is DeliveryState.ABANDONED


def test_a_reply_that_slack_refuses_is_repeated_as_an_ordinary_message() -> None:
    refused = Deferred("thread_not_found", outside_thread=True)
    after = DELIVERY.after(refused, NOW, schedule=SCHEDULE, jitter=0)

    assert (after.state, after.outside_thread, after.due) == (DeliveryState.PENDING, True, NOW + PAUSES[0])


def test_a_delivered_message_is_known_as_slack_names_it() -> None:
    posted = PostedMessage(channel="C0123ABCD", ts="1503435956.000247")

    assert DELIVERY.after(Accepted(posted), NOW, schedule=SCHEDULE, jitter=0).posted == posted


def test_a_redelivery_restarts_the_schedule_but_not_the_count_of_attempts() -> None:
    redelivered = replace(DELIVERY, attempts=11, failures=0, queued_at=NOW + DAY)
    after = redelivered.after(Deferred("503"), NOW + DAY, schedule=replace(SCHEDULE, max_age=HOUR), jitter=0)

    assert (after.state, after.attempts, after.due) == (DeliveryState.PENDING, 12, NOW + DAY + PAUSES[0])


def test_a_delivery_that_would_be_too_old_at_its_next_attempt_is_abandoned() -> None:
    after = DELIVERY.after(Deferred("429", HOUR), NOW, schedule=replace(SCHEDULE, max_age=HOUR), jitter=0)

    assert (after.state, after.last_reason) == (DeliveryState.ABANDONED, "429")


@given(jitter=st.floats(0, 1), wait=st.integers(0, 2 * DAY), made=st.integers(0, 2))
def test_a_delivery_is_not_attempted_before_the_retry_after_has_passed(jitter: float, wait: int, made: int) -> None:
    before = replace(DELIVERY, attempts=made, failures=made)
    after = before.after(
        Deferred("429", wait), NOW, schedule=DeliverySchedule(pauses=PAUSES, max_age=30 * DAY), jitter=jitter
    )

    assert after.due is not None
    assert after.due >= NOW + max(PAUSES[made], min(wait, DAY))


@pytest.mark.parametrize(
    ("verdict", "made", "after"),
    [
        (Accepted(), 0, {"state": DeliveryState.DELIVERED, "due": None, "ended_at": NOW + 9}),
        (Rejected("r"), 0, {"state": DeliveryState.ABANDONED, "due": None, "ended_at": NOW + 9, "last_reason": "r"}),
        (Deferred("d"), 0, {"due": NOW + 9 + 11, "last_reason": "d"}),
        (Deferred("d", 12), 0, {"due": NOW + 9 + 12, "last_reason": "d", "retry_after": NOW + 9 + 12}),
        (Deferred("d"), 1, {"due": NOW + 9 + 110, "last_reason": "d"}),
        (Deferred("d"), 2, {"state": DeliveryState.ABANDONED, "due": None, "ended_at": NOW + 9, "last_reason": "d"}),
        (
            Deferred("d", HOUR),
            0,
            {"state": DeliveryState.ABANDONED, "due": None, "ended_at": NOW + 9, "last_reason": "d"},
        ),
    ],
)
def test_an_attempt_changes_exactly_these_fields_of_a_delivery(
    verdict: Verdict, made: int, after: dict[str, object]
) -> None:
    before = replace(DELIVERY, attempts=made, failures=made)

    found = before.after(verdict, NOW + 9, schedule=DeliverySchedule(pauses=(10, 100), max_age=HOUR), jitter=1.0)

    failures = made + isinstance(verdict, Deferred)
    assert found == replace(before, attempts=made + 1, failures=failures, **after)  # type: ignore[arg-type]


def test_without_a_retry_after_the_schedule_alone_counts() -> None:
    assert DELIVERY.after(Deferred("d"), NOW, schedule=DeliverySchedule(pauses=(0,), max_age=HOUR), jitter=0).due == NOW


@pytest.mark.parametrize(
    ("last", "reason"),
    [(None, "too old; last: no attempt was possible"), ("HTTP 503", "too old; last: HTTP 503")],
)
def test_a_delivery_abandoned_for_its_age_keeps_its_last_reason(last: str | None, reason: str) -> None:
    before = replace(DELIVERY, last_reason=last, attempts=3)

    assert before.abandoned_for_age(NOW + DAY) == replace(
        before, state=DeliveryState.ABANDONED, last_reason=reason, due=None, ended_at=NOW + DAY
    )


def test_a_delivery_abandoned_without_an_attempt_has_a_reason() -> None:
    assert DELIVERY.abandoned("not allowed any more", NOW) == replace(
        DELIVERY, state=DeliveryState.ABANDONED, last_reason="not allowed any more", due=None, ended_at=NOW
    )
