"""How long the end of an import went unseen."""

from dataclasses import replace

import pytest

from bridge.domain.imports import Absence, Absent, ImportAnswer, Read, Reading, Reply
from bridge.domain.polling.detection_delay import detection_delay
from bridge.domain.polling.poll_results import PollClaim
from bridge.domain.times import SECOND, rfc3339

ENDED = 1_800_000_000 * SECOND
CLAIM = PollClaim(
    workspace="default", import_id="imp", fence=1, first_at=0, due=0, tier=0, polls=3, reading_digest="seen", faults=0
)
DONE = Reading(import_id="imp", type="CSV", status="COMPLETED", person_count=1, updated_at=rfc3339(ENDED))


def reply(answer: ImportAnswer, sent_at: int | None) -> Reply:
    return Reply(import_id="imp", answer=answer, allowance=None, at=1, sent_at=sent_at)


def test_it_is_the_time_from_the_end_to_the_answer_by_rallys_clock() -> None:
    assert detection_delay(CLAIM, reply(Read(DONE), ENDED + 4 * SECOND)) == 4 * SECOND


def test_rounded_times_are_never_negative() -> None:
    assert detection_delay(CLAIM, reply(Read(DONE), ENDED - SECOND)) == 0


@pytest.mark.parametrize(
    ("claim", "answer", "sent_at"),
    [
        (replace(CLAIM, reading_digest=""), Read(DONE), ENDED),
        (CLAIM, Read(replace(DONE, status="UPLOADING")), ENDED),
        (CLAIM, Read(replace(DONE, updated_at="yesterday")), ENDED),
        (CLAIM, Read(DONE), None),
        (CLAIM, Absent(Absence.NOT_FOUND), ENDED),
    ],
    ids=["never seen running", "not finished", "no time", "no date", "absent"],
)
def test_it_is_not_known(claim: PollClaim, answer: ImportAnswer, sent_at: int | None) -> None:
    assert detection_delay(claim, reply(answer, sent_at)) is None
