"""When a request is sent again, and after which pause."""

import pytest

from bridge.client import RateLimited, Unavailable, calls
from tests.support.played_calls import WATCH, Played, answer, busy, nothing


def test_pauses_grow_to_a_bound_with_a_little_jitter() -> None:
    played = Played(*[nothing("refused")] * 7, answer(WATCH))
    played.run(calls.get(played.session, "wat_1"))
    usual = [0.25, 0.5, 1, 2, 4, 5, 5]
    assert all(each <= pause <= 1.25 * each for each, pause in zip(usual, played.pauses, strict=True))
    assert len({pause / each for each, pause in zip(usual, played.pauses, strict=True)}) > 1


@pytest.mark.parametrize("status", [429, 503])
def test_retry_after_is_waited_out(status: int) -> None:
    played = Played(busy(status, "30"), answer(WATCH))
    played.run(calls.get(played.session, "wat_1"))
    assert 30 <= played.pauses[0] <= 31.25


def test_a_retry_after_of_zero_does_not_spin() -> None:
    played = Played(busy(503, "0"), busy(503, "nonsense"), answer(WATCH))
    played.run(calls.get(played.session, "wat_1"))
    assert min(played.pauses) >= 0.25


def test_a_wait_beyond_the_patience_is_not_begun() -> None:
    played = Played(busy(429, "80"), patience=75)
    with pytest.raises(RateLimited) as caught:
        played.run(calls.get(played.session, "wat_1"))
    assert (caught.value.retry_after, played.pauses) == (80, [])


def test_patience_ends() -> None:
    played = Played(*[nothing("connect_timeout", took=5)] * 99)
    with pytest.raises(Unavailable):
        played.run(calls.get(played.session, "wat_1"))
    assert 65 <= played.now - 1000 <= 82


@pytest.mark.parametrize("reason", ["refused", "connect_timeout", "unreachable", "broken"])
def test_a_server_that_never_answered_is_given_up_within_the_connect_timeout(reason: str) -> None:
    took = 5.0 if reason == "connect_timeout" else 0.0
    played = Played(*[nothing(reason, took=took)] * 99, reached=False)  # type: ignore[arg-type]
    with pytest.raises(Unavailable) as caught:
        played.run(calls.get(played.session, "wat_1"))
    assert played.now - 1000 <= 5
    assert caught.value.code == reason


@pytest.mark.parametrize("reason", ["unknown_host", "tls"])
def test_a_host_that_is_wrong_is_reported_at_once(reason: str) -> None:
    played = Played(nothing(reason), reached=False)  # type: ignore[arg-type]
    with pytest.raises(Unavailable, match=f"No answer from http://bridge: {reason}"):
        played.run(calls.get(played.session, "wat_1"))


def test_a_proxy_that_reaches_nothing_does_not_count_as_the_bridge() -> None:
    played = Played(*[answer("<html>", 502)] * 99, reached=False)
    with pytest.raises(Unavailable, match="answered HTTP 502, which we can't read"):
        played.run(calls.get(played.session, "wat_1"))
    assert played.now - 1000 <= 5


def test_a_host_that_has_answered_is_given_the_whole_patience() -> None:
    played = Played(busy(503), *[nothing("unknown_host")] * 12, answer(WATCH), reached=False)
    assert played.run(calls.get(played.session, "wat_1")).id == "wat_1"
    assert played.now - 1000 > 20
