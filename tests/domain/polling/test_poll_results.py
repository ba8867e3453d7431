"""What each answer of Rally changes about an import."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.domain.imports import (
    Absence,
    Absent,
    ImportAnswer,
    KeyRefused,
    OverLimit,
    PollAnswer,
    Read,
    Reading,
    Reply,
    Unanswered,
    Unusable,
)
from bridge.domain.polling.absences import AbsenceStreak
from bridge.domain.polling.poll_intervals import PollIntervals
from bridge.domain.polling.poll_results import ImportUpdate, PollClaim, after_poll, is_news, quarantine, release_claim
from bridge.domain.polling.quarantine import QUARANTINE
from bridge.domain.rules.push_proof import PushProof
from bridge.domain.times import DAY, HOUR, MINUTE, SECOND
from tests.support.samples import NOW

SCHEDULE = PollIntervals(floor=3 * SECOND, ceiling=MINUTE, growth=1.0)
CLAIM = PollClaim(
    workspace="default", import_id="imp", fence=1, first_at=NOW, due=NOW, tier=0, polls=3, reading_digest="", faults=2
)
FIRST_ABSENCE = AbsenceStreak(absence=Absence.FORBIDDEN, since=NOW + 100 * SECOND, at=NOW + 100 * SECOND)


def reading(status: str, *, failed: int = 0) -> Reading:
    return Reading(import_id="imp", type="CSV", status=status, person_count=7, failed_record_count=failed)


def reply(answer: ImportAnswer) -> Reply:
    return Reply(import_id="imp", answer=answer, allowance=None, at=NOW + 100 * SECOND, status=418)


@pytest.mark.parametrize(
    ("answer", "update"),
    [
        (Read(reading("COMPLETED")), ImportUpdate(due=None, reading=reading("COMPLETED"))),
        (Read(reading("ERROR")), ImportUpdate(due=None, reading=reading("ERROR"))),
        (Read(reading("UPLOADING")), ImportUpdate(due=NOW + 110 * SECOND, reading=reading("UPLOADING"))),
        (Absent(Absence.FORBIDDEN), ImportUpdate(due=NOW + 110 * SECOND, absent=FIRST_ABSENCE)),
        (Unusable("HTTP 400"), ImportUpdate(due=NOW + 160 * SECOND, faults=3, trouble="HTTP 400")),
        (Unanswered("HTTP 503"), ImportUpdate(due=NOW + 101_562, faults=3, trouble="HTTP 503")),
        (
            Unanswered("x", 9 * SECOND),
            ImportUpdate(due=NOW + 109 * SECOND, faults=3, trouble="x", retry_at=NOW + 109 * SECOND),
        ),
        (
            Unanswered("x", 9 * HOUR),
            ImportUpdate(due=NOW + 100 * SECOND + HOUR, faults=3, trouble="x", retry_at=NOW + 100 * SECOND + HOUR),
        ),
        (OverLimit(5), ImportUpdate(due=NOW, faults=2, counted=False)),
        (KeyRefused(), ImportUpdate(due=NOW, faults=2, counted=False)),
    ],
)
def test_each_answer_of_rally_changes_the_import(answer: ImportAnswer, update: ImportUpdate) -> None:
    answered = PollAnswer(NOW + 100 * SECOND, 418)

    assert after_poll(CLAIM, reply(answer), SCHEDULE, jitter=0) == replace(update, answer=answered)


PUSHED = replace(CLAIM, faults=0, pushed_at=NOW + 91 * SECOND, first_at=NOW - HOUR)
PROVEN = {"CSV": PushProof(streak=10, last_match=NOW), "API": PushProof(streak=3, last_match=NOW)}


@pytest.mark.parametrize(("polls", "pause"), [(0, 1), (1, 3), (2, 10), (3, 3), (20, 3)])
@pytest.mark.parametrize("answer", [Read(reading("UPLOADING")), Absent(Absence.NOT_FOUND)])
def test_polls_that_follow_a_push_come_soon_and_then_by_the_age_of_the_push(
    answer: ImportAnswer, polls: int, pause: int
) -> None:
    update = after_poll(replace(PUSHED, polls_since_push=polls, proofs=PROVEN), reply(answer), SCHEDULE, jitter=0)

    assert update.due == NOW + (100 + pause) * SECOND
    assert update.unstretched_due is None


def test_a_push_shortens_no_pause_after_an_unusable_answer() -> None:
    update = after_poll(PUSHED, reply(Unusable("HTTP 400")), SCHEDULE, jitter=0)

    assert update.due == NOW + 106 * SECOND, "the first fault doubles the pause"


@pytest.mark.parametrize(("type_", "factor"), [("CSV", 4), ("API", 2), ("ACTIVITIES", 1), (None, 1), ("a type", 1)])
def test_a_proven_type_is_polled_less_often(type_: str | None, factor: int) -> None:
    unfinished = replace(reading("UPLOADING"), type=type_)

    update = after_poll(replace(CLAIM, proofs=PROVEN), reply(Read(unfinished)), SCHEDULE, jitter=0)

    assert update.due == NOW + (100 + 10 * factor) * SECOND
    assert update.unstretched_due == (None if factor == 1 else NOW + 110 * SECOND)


@pytest.mark.parametrize(
    "answer", [Absent(Absence.NOT_FOUND), Unusable("HTTP 400"), Unanswered("HTTP 503"), Read(reading("ERROR"))]
)
def test_only_a_reading_that_is_not_finished_puts_the_next_poll_off(answer: ImportAnswer) -> None:
    update = after_poll(replace(CLAIM, proofs=PROVEN), reply(answer), SCHEDULE, jitter=0)

    assert update == after_poll(CLAIM, reply(answer), SCHEDULE, jitter=0)


@given(age=st.integers(0, 40 * DAY), jitter=st.floats(0, 1), streak=st.integers(0, 20))
def test_a_proven_push_puts_a_poll_off_by_its_factor_at_most(age: int, jitter: float, streak: int) -> None:
    claim = replace(CLAIM, first_at=NOW - age)
    proofs = {"CSV": PushProof(streak=streak, last_match=NOW)}
    answer = reply(Read(reading("UPLOADING")))

    plain = after_poll(claim, answer, SCHEDULE, jitter=jitter)
    update = after_poll(replace(claim, proofs=proofs), answer, SCHEDULE, jitter=jitter)

    assert plain.due is not None
    assert update.due is not None
    interval = SCHEDULE.interval(answer.at - claim.first_at)
    assert update.due - plain.due == (update.stretch.factor - 1) * interval
    assert update.due - answer.at <= (240 + 6) * SECOND
    assert (update.unstretched_due or update.due) == plain.due


def test_an_absent_import_that_only_rules_watch_is_polled_rarely_in_the_end() -> None:
    missing = AbsenceStreak(absence=Absence.NOT_FOUND, since=NOW - HOUR, at=NOW)
    claim = replace(CLAIM, faults=0, absent=missing)

    explicit = after_poll(claim, reply(Absent(Absence.NOT_FOUND)), SCHEDULE, jitter=0)
    by_rule = after_poll(replace(claim, by_rule=True), reply(Absent(Absence.NOT_FOUND)), SCHEDULE, jitter=0)

    assert explicit.due == NOW + 110 * SECOND
    assert by_rule.due == NOW + 100 * SECOND + (HOUR + 100 * SECOND) // 10


def test_an_unsent_poll_changes_nothing_and_a_failure_of_ours_is_quarantined() -> None:
    assert release_claim(CLAIM) == ImportUpdate(due=NOW, faults=2, counted=False)
    assert quarantine(CLAIM, NOW) == ImportUpdate(due=NOW + QUARANTINE, faults=3)


@pytest.mark.parametrize(
    ("claim", "answer", "news"),
    [
        (replace(CLAIM, faults=0), Absent(Absence.FORBIDDEN), True),
        (replace(CLAIM, faults=0, absent=FIRST_ABSENCE), Absent(Absence.FORBIDDEN), False),
        (replace(CLAIM, faults=0, absent=FIRST_ABSENCE), Absent(Absence.NOT_FOUND), True),
        (replace(CLAIM, faults=0, absent=FIRST_ABSENCE), Read(reading("UPLOADING")), True),
        (replace(CLAIM, faults=0), Read(reading("UPLOADING")), False),
        (replace(CLAIM, faults=0), Unusable("HTTP 400"), True),
        (CLAIM, Unusable("HTTP 400"), False),
        (CLAIM, Read(reading("UPLOADING")), True),
        (CLAIM, KeyRefused(), False),
    ],
)
def test_subscribers_are_notified_when_a_poll_finds_something_new(
    claim: PollClaim, answer: ImportAnswer, *, news: bool
) -> None:
    assert is_news(claim, after_poll(claim, reply(answer), SCHEDULE, jitter=0)) == news
