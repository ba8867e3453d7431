"""Which readings, absences and times end a watch, and the reasons given."""

from dataclasses import replace

import pytest

from bridge.domain.conclusions import Conclusion, conclude
from bridge.domain.import_state import ImportState
from bridge.domain.imports import (
    Absence,
    Reading,
)
from bridge.domain.outcomes import Outcome
from bridge.domain.polling.absences import AbsenceStreak
from bridge.domain.times import HOUR, MINUTE, SECOND, rfc3339
from bridge.domain.watches import Watch
from tests.support.samples import NOW

WATCH = Watch(
    id="wat_01",
    client="crm",
    workspace="default",
    import_id="imp",
    created_at=NOW,
    grace_until=NOW + 10 * MINUTE,
    expires_at=NOW + HOUR,
)
FIRST_ABSENCE = AbsenceStreak(absence=Absence.FORBIDDEN, since=NOW + 100 * SECOND, at=NOW + 100 * SECOND)


def reading(status: str, *, failed: int = 0) -> Reading:
    return Reading(import_id="imp", type="CSV", status=status, person_count=7, failed_record_count=failed)


@pytest.mark.parametrize(
    ("status", "failed", "outcome"),
    [
        ("COMPLETED", 0, Outcome.COMPLETED),
        ("COMPLETED", 1, Outcome.COMPLETED_WITH_FAILURES),
        ("ERROR", 0, Outcome.FAILED),
        ("ERROR", 9, Outcome.FAILED),
        ("UPLOADING", 0, None),
        ("NOT_STARTED", 0, None),
        ("PAUSED_BY_A_NEW_VERSION", 0, None),
        ("completed", 0, None),
    ],
)
def test_a_reading_ends_a_watch_by_its_status_and_its_failed_records(
    status: str, failed: int, outcome: Outcome | None
) -> None:
    conclusion = conclude(WATCH, ImportState(reading=reading(status, failed=failed)), NOW)

    assert conclusion == (None if outcome is None else Conclusion(outcome))


@pytest.mark.parametrize("absence", list(Absence))
def test_an_absence_counts_once_it_was_repeated_after_the_grace(absence: Absence) -> None:
    streak = AbsenceStreak(absence=absence, since=NOW, at=WATCH.grace_until, count=3, longest_gap=5 * MINUTE)
    within = ImportState(absent=replace(streak, at=WATCH.grace_until - 1))
    beyond = ImportState(absent=streak)

    assert conclude(WATCH, within, WATCH.grace_until + SECOND) is None
    ended = conclude(WATCH, beyond, WATCH.grace_until + SECOND)
    assert ended is not None
    assert ended.outcome.value == absence.value
    assert ended.reason


def test_a_final_reading_counts_even_after_the_expiry() -> None:
    known = ImportState(reading=reading("COMPLETED"), polled_at=WATCH.expires_at + 1)

    assert conclude(WATCH, known, WATCH.expires_at + 2) == Conclusion(Outcome.COMPLETED)


def test_an_expired_watch_waits_for_one_last_poll() -> None:
    asked_before = ImportState(reading=reading("UPLOADING"), polled_at=WATCH.expires_at - 1)
    asked_since = replace(asked_before, polled_at=WATCH.expires_at)

    assert conclude(WATCH, asked_since, WATCH.expires_at - 1) is None
    assert conclude(WATCH, asked_before, WATCH.expires_at) is None
    for known, given_up in ((asked_since, False), (asked_before, True)):
        ended = conclude(WATCH, known, WATCH.expires_at + SECOND, last_call_made=given_up)
        assert ended is not None
        assert ended.outcome is Outcome.TIMED_OUT


@pytest.mark.parametrize(
    ("known", "expected"),
    [
        (ImportState(workspace_trouble="Rally refused our key since noon"), "Rally refused our key since noon"),
        (ImportState(absent=AbsenceStreak(absence=Absence.NOT_FOUND, since=NOW, at=NOW)), "knows no such import"),
        (ImportState(), "gave no answer"),
        (ImportState(trouble="HTTP 400"), "no usable answer from Rally: HTTP 400"),
        (
            ImportState(trouble="HTTP 400", reading=reading("UPLOADING")),
            "the last status was UPLOADING; then no usable answer from Rally: HTTP 400",
        ),
        (
            ImportState(absent=FIRST_ABSENCE, reading=reading("UPLOADING")),
            "the last status was UPLOADING; then Rally does not let our key see this import",
        ),
        (ImportState(reading=reading("UPLOADING")), "UPLOADING"),
    ],
)
def test_a_timeout_says_why(known: ImportState, expected: str) -> None:
    ended = conclude(WATCH, known, WATCH.expires_at, last_call_made=True)

    assert ended is not None
    assert expected in (ended.reason or "")
    assert rfc3339(WATCH.expires_at) in (ended.reason or "")


@pytest.mark.parametrize(
    ("absence", "reason"),
    [
        (Absence.NOT_FOUND, "Rally knows no such import"),
        (Absence.FORBIDDEN, "Rally does not let our key see this import"),
    ],
)
def test_an_absence_has_its_reason_in_words(absence: Absence, reason: str) -> None:
    grace = WATCH.grace_until - WATCH.created_at
    streak = AbsenceStreak(
        absence=absence, since=WATCH.created_at, at=WATCH.grace_until, count=3, longest_gap=grace // 2
    )
    known = ImportState(absent=streak)

    assert conclude(WATCH, known, NOW) == Conclusion(Outcome(absence.value), reason)
