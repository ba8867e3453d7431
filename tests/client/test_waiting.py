"""Waiting for a watch: long polls, restarts, rate limits and deliveries, on a clock of their own."""

from datetime import UTC, datetime

import pytest

from bridge.client import CallFailed, Unavailable, WaitTimeout, Watch, waiting
from bridge.client.values.literals import Until
from tests.support.played_calls import (
    DELIVERED,
    DELIVERY,
    ENDED,
    WATCH,
    Played,
    Prepared,
    answer,
    busy,
    nothing,
)

OWING = {**ENDED, "deliveries": [DELIVERY]}
TOLD = {**ENDED, "deliveries": [DELIVERED]}


def at(seconds: float) -> str:
    """Return a time on the clock of Played."""
    return datetime.fromtimestamp(1000 + seconds, UTC).isoformat()


def test_waiting_survives_restarts() -> None:
    played = Played(answer(WATCH), nothing("broken"), nothing("refused"), busy(503), answer(ENDED))
    assert played.run(waiting.wait(played.session, Watch.of(WATCH))).outcome == "completed"
    assert {request.query["wait"] for request in played.requests} == {60}


@pytest.mark.parametrize("seconds", [0, 10, 90])
def test_waiting_raises_after_its_timeout(seconds: float) -> None:
    played = Played(*[Prepared(document=WATCH, took=30)] * 9)
    with pytest.raises(WaitTimeout, match=f"wat_1 did not end within {seconds} s") as caught:
        played.run(waiting.wait(played.session, Watch.of(WATCH), timeout=seconds))
    assert caught.value.watch.id == "wat_1"
    assert isinstance(caught.value, CallFailed)
    assert [request.query["wait"] for request in played.requests] == {0: [], 10: [10], 90: [60, 60, 30]}[int(seconds)]


def test_waiting_by_id_reads_the_watch_first() -> None:
    played = Played(answer(ENDED))
    assert played.run(waiting.wait(played.session, "wat_1")).ended
    assert played.requests[0].query["wait"] is None


def test_following_survives_any_number_of_rate_limits() -> None:
    played = Played(busy(429, "70"), busy(429, "70"), answer(ENDED), patience=5)
    found = played.iterate(waiting.follow(played.session, Watch.of(WATCH)))
    assert [each.state for each in found] == ["watching", "watching", "settled"]
    assert len(played.requests) == 3


def test_a_rate_limited_wait_ends_with_the_timeout() -> None:
    played = Played(busy(429, "3600"))
    with pytest.raises(WaitTimeout):
        played.run(waiting.wait(played.session, Watch.of(WATCH), timeout=20))
    assert played.now == pytest.approx(1020)


def test_a_bridge_that_is_down_does_not_lengthen_a_wait() -> None:
    played = Played(*[nothing("refused")] * 99)
    with pytest.raises(WaitTimeout):
        played.run(waiting.wait(played.session, Watch.of(WATCH), timeout=20))
    assert played.now == pytest.approx(1020)


def test_a_bridge_that_stays_down_ends_a_long_wait() -> None:
    played = Played(*[nothing("refused")] * 99)
    with pytest.raises(Unavailable):
        played.run(waiting.wait(played.session, Watch.of(WATCH), timeout=3600))
    assert played.now < 1080


@pytest.mark.parametrize(
    ("next_poll", "asked"), [(None, 2), (at(-100), 2), (at(7), 8), (at(3600), 20)], ids=["none", "past", "soon", "far"]
)
def test_a_watch_is_followed_by_its_polls(next_poll: str | None, asked: int) -> None:
    played = Played(answer(ENDED))
    list(played.iterate(waiting.follow(played.session, Watch.of({**WATCH, "nextPollAt": next_poll}))))
    assert [request.query["wait"] for request in played.requests] == [asked]


def test_following_ends_after_its_timeout() -> None:
    played = Played()
    assert list(played.iterate(waiting.follow(played.session, Watch.of(WATCH), timeout=0))) == []


def test_following_by_id_begins_with_the_present_state() -> None:
    played = Played(answer(WATCH), answer(ENDED))
    found = played.iterate(waiting.follow(played.session, "wat_1"))
    assert [each.state for each in found] == ["watching", "settled"]


@pytest.mark.parametrize(("until", "requests"), [("ended", 1), ("delivered", 4)])
def test_one_may_wait_for_the_deliveries_as_well(until: Until, requests: int) -> None:
    later = {**OWING, "deliveries": [{**DELIVERY, "nextAttemptAt": at(10)}]}
    played = Played(answer(OWING), answer(later), answer(later), answer(TOLD))
    found = played.run(waiting.wait(played.session, Watch.of(WATCH), until=until))
    assert found.deliveries_ended == (until == "delivered")
    assert len(played.requests) == requests
    if until == "delivered":
        assert played.pauses[0] == 0.5
        assert 9 < sum(played.pauses) < 13


def test_a_wait_for_deliveries_ends_with_the_timeout() -> None:
    played = Played(*[answer(OWING)] * 99)
    with pytest.raises(WaitTimeout):
        played.run(waiting.wait(played.session, Watch.of(OWING), until="delivered", timeout=5))
    assert played.now == pytest.approx(1005)
