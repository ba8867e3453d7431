"""Nudges: when Slack is told that an import runs for long, or makes no progress."""

from dataclasses import replace

import pytest

from bridge.domain.destinations import Callback, SlackChannel
from bridge.domain.import_state import ImportState
from bridge.domain.imports import PollAnswer
from bridge.domain.nudges import (
    CHECKED_AGAIN_AFTER,
    CHECKED_EVERY,
    NO_PROGRESS_AFTER,
    NUDGE_AFTER,
    READ_WITHIN,
    Check,
    NudgeKind,
    NudgeState,
    Remark,
    check,
    first_check,
    remark_on,
    wants_nudges,
)
from bridge.domain.outcomes import Outcome
from bridge.domain.secret import Secret
from bridge.domain.times import HOUR, MINUTE, SECOND, Span
from bridge.domain.watches import WatchState
from tests.support.samples import NOW, READING, WATCH

RUNNING, STALLED = NudgeKind.STILL_RUNNING, NudgeKind.NO_PROGRESS
OPEN = replace(WATCH, created_at=NOW, nudge_after=NUDGE_AFTER)


def read(after: Span, people: int | None = 7, status: str = "UPLOADING") -> ImportState:
    """Return the state of an import that was read this long after its watch was made."""
    at = NOW + after
    found = replace(READING, person_count=people, status=status)
    return ImportState(reading=found, polled_at=at, answer=PollAnswer(at, 200))


NOTHING_SEEN = NudgeState()


def checked(
    after: Span, before: NudgeState = NOTHING_SEEN, state: ImportState | None = None, usual: Span | None = None
) -> Check:
    return check(OPEN, before, state or read(after), NOW + after, usual=usual)


def kind(found: Check) -> NudgeKind | None:
    return None if found.nudge is None else found.nudge.kind


@pytest.mark.parametrize(
    ("after", "usual", "nudged"),
    [
        (30 * MINUTE - 1, None, False),
        (30 * MINUTE, None, True),
        (30 * MINUTE, 10 * MINUTE, True),
        (30 * MINUTE, 11 * MINUTE, False),
        (33 * MINUTE, 11 * MINUTE, True),
    ],
)
def test_an_import_that_runs_for_long_is_told(after: Span, usual: Span | None, *, nudged: bool) -> None:
    found = checked(after, usual=usual)

    assert kind(found) is (RUNNING if nudged else None)
    assert found.after.sent == ({RUNNING} if nudged else set())


def test_each_nudge_is_told_once() -> None:
    risen = NudgeState(people=7, since=NOW, has_risen=True, sent=frozenset({RUNNING}))
    stalled = checked(HOUR, risen)

    assert kind(stalled) is STALLED
    assert stalled.nudge is not None
    assert stalled.nudge.unchanged_for == HOUR
    assert stalled.again_at is None, "nothing is left to check"
    again = checked(2 * HOUR, stalled.after)
    assert (again.nudge, again.again_at) == (None, None)


def test_one_message_tells_both() -> None:
    found = checked(HOUR, NudgeState(people=7, since=NOW, has_risen=True))

    assert kind(found) is STALLED
    assert found.after.sent == {RUNNING, STALLED}


def test_a_number_of_people_that_never_rose_says_nothing_of_nudge_state() -> None:
    progress = NudgeState()
    for number in range(12):
        found = checked(number * CHECKED_EVERY, progress, read(number * CHECKED_EVERY, people=0))
        progress = found.after
        assert kind(found) in {None, RUNNING}
    assert progress.sent == {RUNNING}
    assert not progress.has_risen


@pytest.mark.parametrize(("span", "nudged"), [(NO_PROGRESS_AFTER - 1, False), (NO_PROGRESS_AFTER, True)])
def test_a_number_of_people_that_stands_still_after_it_rose_is_told(span: Span, *, nudged: bool) -> None:
    first = checked(MINUTE, state=read(MINUTE, people=5))
    risen = checked(2 * MINUTE, first.after, read(2 * MINUTE, people=9))
    assert (risen.after.has_risen, risen.after.since) == (True, NOW + 2 * MINUTE)

    found = checked(2 * MINUTE + span, risen.after, read(2 * MINUTE + span, people=9))

    assert kind(found) is (STALLED if nudged else None)


def test_a_number_that_falls_or_is_missing_is_no_rise() -> None:
    first = NudgeState(people=9, since=NOW)

    assert not checked(MINUTE, first, read(MINUTE, people=3)).after.has_risen
    assert checked(MINUTE, first, read(MINUTE, people=None)).after == first


@pytest.mark.parametrize(
    "state",
    [
        ImportState(),
        replace(read(HOUR), answer=PollAnswer(NOW + HOUR, 404)),
        replace(read(HOUR), trouble="HTTP 400"),
        read(HOUR - READ_WITHIN - 1),
        read(HOUR, status="COMPLETED"),
    ],
)
def test_nothing_is_told_of_an_import_that_was_not_read_lately(state: ImportState) -> None:
    found = checked(HOUR, state=state)

    assert (found.nudge, found.again_at) == (None, NOW + HOUR + CHECKED_AGAIN_AFTER)


def test_a_watch_that_has_ended_or_wants_no_nudges_is_not_checked_again() -> None:
    for watch in (replace(OPEN, state=WatchState.SETTLED), replace(OPEN, nudge_after=None)):
        assert check(watch, NudgeState(), read(HOUR), NOW + HOUR, usual=None) == Check(after=NudgeState())


def test_the_next_check_is_due_when_something_may_have_changed() -> None:
    told = NudgeState(people=7, since=NOW, sent=frozenset({STALLED}))

    risen = replace(told, sent=frozenset(), has_risen=True)

    assert checked(MINUTE).again_at == NOW + MINUTE + CHECKED_AGAIN_AFTER, "until a rise is seen"
    assert checked(MINUTE, risen).again_at == NOW + MINUTE + CHECKED_AGAIN_AFTER, "until it stands still"
    assert checked(NO_PROGRESS_AFTER).again_at == NOW + NO_PROGRESS_AFTER + CHECKED_EVERY
    assert checked(27 * MINUTE).again_at == NOW + 30 * MINUTE
    assert checked(30 * MINUTE - SECOND).again_at == NOW + 30 * MINUTE
    assert checked(20 * MINUTE, told, usual=2 * MINUTE).again_at == NOW + 20 * MINUTE + CHECKED_EVERY


def test_only_slack_destinations_that_want_to_know_of_unfinished_imports_are_checked() -> None:
    channel = SlackChannel(channel="C0123ABCD")

    assert first_check(SECOND, [channel]) == SECOND
    assert first_check(NUDGE_AFTER, [channel]) == CHECKED_AGAIN_AFTER
    assert first_check(None, [channel]) == 0
    assert first_check(NUDGE_AFTER, [Callback(url=Secret("https://crm.example.com"))]) == 0
    assert first_check(NUDGE_AFTER, [replace(channel, on=frozenset({Outcome.FAILED}))]) == 0
    assert not wants_nudges(frozenset({Outcome.FAILED}))
    assert wants_nudges(frozenset({Outcome.FAILED, Outcome.TIMED_OUT}))


def test_a_living_message_says_of_nudges_what_still_holds() -> None:
    both = NudgeState(people=7, since=NOW, has_risen=True, sent=frozenset({RUNNING, STALLED}))
    stalled, running = replace(both, sent=frozenset({STALLED})), replace(both, sent=frozenset({RUNNING}))
    reading = replace(READING, person_count=7)

    assert remark_on([NOTHING_SEEN, both], reading, NOW + HOUR) == Remark(kind=STALLED, unchanged_for=HOUR)
    assert remark_on([both], replace(reading, person_count=8), NOW + HOUR) == Remark(kind=RUNNING)
    assert remark_on([stalled], replace(reading, person_count=8), NOW + HOUR) is None
    assert remark_on([stalled], reading, NOW + MINUTE) is None  # it has risen again meanwhile, to these people
    assert remark_on([running], None, NOW + HOUR) == Remark(kind=RUNNING)
    assert remark_on([NOTHING_SEEN], reading, NOW + HOUR) is None
