"""The events of a watch: values, reconnections and errors."""

from typing import Any

import pytest

from bridge.client import CallFailed, Delivery, LastPoll, NotFound, Reading, Unavailable, Watch, events
from tests.support.played_calls import DELIVERED, DELIVERY, ENDED, READING, WATCH, Played, answer, busy, nothing, stream

OWING = {**ENDED, "deliveries": [DELIVERY]}
TOLD = {**ENDED, "deliveries": [DELIVERED]}
POLL = {"at": "2026-11-24T09:30:05.000Z", "status": 404, "meaning": "Rally knows no such import yet"}


def test_events_are_values_and_end_with_the_last_delivery() -> None:
    ended = ("outcome", OWING)
    first = (("watch", WATCH), ("reading", READING), ("poll", POLL))
    played = Played(stream(*first, ("invented", 1), ended, ("delivery", DELIVERED)))
    found = list(played.iterate(events.watch_events(played.session, "wat_1")))
    assert [each.name for each in found] == ["watch", "reading", "poll", "outcome", "delivery"]
    assert [type(each.data) for each in found] == [Watch, Reading, LastPoll, Watch, Delivery]
    assert found[2].data == LastPoll.of(POLL)
    assert len(played.requests) == 1


def test_a_stream_that_breaks_is_opened_again() -> None:
    played = Played(stream(("watch", WATCH)), nothing("refused"), stream(), busy(503), stream(("watch", TOLD)))
    found = list(played.iterate(events.watch_events(played.session, "wat_1")))
    assert [each.name for each in found] == ["watch", "watch"]
    assert sum(played.pauses) > 2


def test_a_stream_that_is_always_cut_off_is_opened_less_and_less_often() -> None:
    """A proxy may allow no streams; and a bridge that restarts must not hear from all its clients at once."""
    cut = [stream(("watch", WATCH)) for _ in range(5)]
    played = Played(*cut, stream(("watch", WATCH), ("reading", READING)), stream(("watch", TOLD)))
    list(played.iterate(events.watch_events(played.session, "wat_1")))

    *growing, after_news = played.pauses
    assert all(least < each <= 1.25 * least for each, least in zip(growing, (1, 2, 4, 5, 5), strict=True))
    assert after_news <= 1.25


def test_a_watch_that_is_gone_ends_its_stream() -> None:
    played = Played(stream(("watch", WATCH)), answer({"title": "Watch not found"}, 404))
    with pytest.raises(NotFound):
        list(played.iterate(events.watch_events(played.session, "wat_1")))


@pytest.mark.parametrize("data", [{"id": 1}, [], None])
def test_an_unreadable_event_is_reported(data: Any) -> None:
    played = Played(stream(("watch", data)))
    with pytest.raises(CallFailed, match="an event that we can't read"):
        list(played.iterate(events.watch_events(played.session, "wat_1")))


def test_a_stream_that_can_not_be_opened_is_reported() -> None:
    played = Played(nothing("unknown_host"), reached=False)
    with pytest.raises(Unavailable):
        list(played.iterate(events.watch_events(played.session, "wat_1")))
