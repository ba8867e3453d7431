"""Rules: a push that said there was a problem is told, even if no poll can read the import."""

from dataclasses import replace

import pytest

from bridge.domain.conclusions import Conclusion
from bridge.domain.import_state import ImportState
from bridge.domain.imports import Absence, PollAnswer, Reading
from bridge.domain.outcomes import Outcome
from bridge.domain.polling.absences import AbsenceStreak
from bridge.domain.polling.last_poll_words import last_poll
from bridge.domain.rules.pushes import CSV_FINISHED, Push, QueuedPush
from bridge.domain.rules.rule_conclusions import AS_PUSHED, conclude_pushed
from bridge.domain.times import HOUR, MINUTE
from tests.support.samples import NOW, READING, WATCH

ABSENT = ImportState(
    absent=AbsenceStreak(absence=Absence.FORBIDDEN, since=NOW, at=NOW + 20 * MINUTE, count=9, longest_gap=5 * MINUTE),
    polled_at=NOW + 20 * MINUTE,
)


def pushed(status: str | None = "ERROR", failed: int | None = None, import_id: str = "imp") -> QueuedPush:
    push = Push(
        message_id="msg_1",
        event=CSV_FINISHED,
        workspace="eu",
        import_id=import_id,
        status=status,
        failed_record_count=failed,
        updated_at=NOW,
    )
    return QueuedPush(push=push, at=NOW, first_at=NOW)


@pytest.mark.parametrize(
    ("push", "outcome"),
    [
        (pushed("ERROR"), Outcome.FAILED),
        (pushed("ERROR", 3), Outcome.FAILED),
        (pushed("COMPLETED", 3), Outcome.COMPLETED_WITH_FAILURES),
        (pushed(None, 3), Outcome.COMPLETED_WITH_FAILURES),
    ],
)
def test_a_problem_that_no_poll_could_read_counts_at_the_expiry(push: QueuedPush, outcome: Outcome) -> None:
    watch = replace(WATCH, push=push)

    assert conclude_pushed(watch, ABSENT, NOW + 30 * MINUTE) is None
    ended = conclude_pushed(watch, ABSENT, WATCH.expires_at, last_call_made=True)
    assert ended is not None
    assert (ended.outcome, ended.reason) == (outcome, AS_PUSHED)
    assert ended.reading is not None
    assert ended.reading.failed_record_count == (push.push.failed_record_count or 0)
    assert (ended.reading.type, ended.reading.person_count) == (None, None)


@pytest.mark.parametrize("push", [pushed("COMPLETED", 0), pushed("ERROR", import_id="test_imp"), pushed(None, None)])
def test_absences_count_as_always_for_any_other_push(push: QueuedPush) -> None:
    ended = conclude_pushed(replace(WATCH, push=push), ABSENT, NOW + 30 * MINUTE)

    assert ended is not None
    assert ended.outcome is Outcome.FORBIDDEN


def test_what_was_read_counts_more_than_the_push() -> None:
    watch = replace(WATCH, push=pushed("ERROR"))
    final = ImportState(reading=replace(READING, status="COMPLETED", failed_record_count=0))
    unfinished = ImportState(reading=READING, polled_at=WATCH.expires_at + HOUR)

    assert conclude_pushed(watch, final, NOW) == Conclusion(Outcome.COMPLETED)
    ended = conclude_pushed(watch, unfinished, WATCH.expires_at)
    assert ended is not None
    assert ended.outcome is Outcome.TIMED_OUT


def test_an_open_watch_says_when_its_push_will_count() -> None:
    state = replace(ABSENT, answer=PollAnswer(NOW, 403))
    watch = replace(WATCH, push=pushed("ERROR"))
    found = last_poll(state, watch)

    assert found is not None
    assert found.meaning == (
        "Rally does not let our key see this import yet; "
        "the watch ends at 09:00 UTC as Rally's push said unless that changes"
    )


def test_a_reading_by_a_push_is_not_the_reading_of_a_poll() -> None:
    ended = conclude_pushed(replace(WATCH, push=pushed("ERROR")), ABSENT, WATCH.expires_at, last_call_made=True)

    assert ended is not None
    assert ended.reading == Reading(import_id="imp", type=None, status="ERROR", person_count=None)
