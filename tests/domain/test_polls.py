"""What each answer of Rally changes about an import."""

from dataclasses import replace

import pytest

from bridge.domain.absences import AbsenceStreak
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
from bridge.domain.poll_schedule import PollSchedule
from bridge.domain.polls import ImportUpdate, PollClaim, after_poll, is_news, quarantine, release_claim
from bridge.domain.quarantine import QUARANTINE
from bridge.domain.times import HOUR, MINUTE, SECOND
from tests.support.samples import NOW

SCHEDULE = PollSchedule(floor=3 * SECOND, ceiling=MINUTE, growth=1.0)
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
