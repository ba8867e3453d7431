"""What the last poll of an import found, in words."""

import pytest

from bridge.domain.import_state import ImportState
from bridge.domain.imports import Absence, PollAnswer, Reading
from bridge.domain.polling.absences import AbsenceStreak
from bridge.domain.polling.last_poll import LastPoll
from bridge.domain.polling.last_poll_words import last_poll
from bridge.domain.times import DAY, HOUR, MINUTE, SECOND
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
UNSEEN = "Rally does not let our key see this import"
AT = NOW + 30 * SECOND


def absent(absence: Absence, *, since: int = NOW, at: int = AT) -> AbsenceStreak:
    return AbsenceStreak(absence=absence, since=since, at=at)


def reading(status: str) -> Reading:
    return Reading(import_id="imp", type="CSV", status=status, person_count=7)


@pytest.mark.parametrize(
    ("status", "known", "meaning"),
    [
        (200, ImportState(reading=reading("UPLOADING")), "Rally reports UPLOADING, which is not finished"),
        (200, ImportState(reading=reading("COMPLETED")), "Rally reports COMPLETED"),
        (401, ImportState(reading=reading("UPLOADING")), "Rally refuses the bridge's API key"),
        (429, ImportState(trouble="HTTP 400"), "Rally's rate limit is used up"),
        (400, ImportState(trouble="HTTP 400"), "no usable answer from Rally: HTTP 400"),
        (None, ImportState(trouble="timeout"), "no usable answer from Rally: timeout"),
        (
            404,
            ImportState(absent=absent(Absence.NOT_FOUND)),
            "Rally knows no such import yet; the watch ends as not_found at 08:10 UTC unless that changes",
        ),
        (
            403,
            ImportState(absent=absent(Absence.FORBIDDEN, since=AT)),
            f"{UNSEEN} yet; the watch ends as forbidden at 08:10 UTC unless that changes",
        ),
        (
            404,
            ImportState(absent=absent(Absence.NOT_FOUND, since=NOW + 55 * MINUTE, at=NOW + 55 * MINUTE)),
            "Rally knows no such import yet; the watch ends as timed_out at 09:00 UTC unless that changes",
        ),
        (
            404,
            ImportState(absent=absent(Absence.NOT_FOUND, at=NOW + 11 * MINUTE)),
            "Rally knows no such import yet; the watch ends as not_found soon unless that changes",
        ),
        (404, ImportState(workspace_trouble="Rally has shown none"), "Rally has shown none"),
    ],
)
def test_each_answer_is_explained(status: int | None, known: ImportState, meaning: str) -> None:
    found = last_poll(answered(known, status), WATCH)

    assert found == LastPoll(at=AT, status=status, meaning=meaning)


def answered(known: ImportState, status: int | None) -> ImportState:
    return ImportState(
        reading=known.reading,
        absent=known.absent,
        trouble=known.trouble,
        workspace_trouble=known.workspace_trouble,
        answer=PollAnswer(AT, status),
    )


def test_before_the_first_poll_there_is_nothing_to_explain() -> None:
    assert last_poll(ImportState(), WATCH) is None


def test_an_ended_watch_is_given_no_further_end() -> None:
    found = last_poll(answered(ImportState(absent=absent(Absence.NOT_FOUND)), 404))

    assert found is not None
    assert found.meaning == "Rally knows no such import"


def test_an_end_on_another_day_has_its_date() -> None:
    until_tomorrow = Watch(
        id="wat_01",
        client="crm",
        workspace="default",
        import_id="imp",
        created_at=NOW,
        grace_until=NOW + DAY,
        expires_at=NOW + 2 * DAY,
    )
    found = last_poll(answered(ImportState(absent=absent(Absence.NOT_FOUND)), 404), until_tomorrow)

    assert found is not None
    assert "ends as not_found at 2027-01-16 08:00 UTC" in found.meaning
