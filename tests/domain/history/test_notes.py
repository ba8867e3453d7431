"""What is noted for the histories of watches, and which notes a watch keeps."""

from dataclasses import replace

import pytest

from bridge.domain.history.notes import MOST_PAUSES, Note, NoteKind, notes_for_watch, notes_of_budget, notes_of_poll
from bridge.domain.imports import Absence, Reading
from bridge.domain.polling.absences import AbsenceStreak
from bridge.domain.polling.budget import Budget
from bridge.domain.polling.last_noted import LastNoted
from bridge.domain.polling.poll_results import ImportUpdate, PollClaim
from bridge.domain.times import HOUR, MINUTE, SECOND
from tests.support.samples import NOW, READING

CLAIM = PollClaim(
    workspace="eu", import_id="imp", fence=1, first_at=NOW, due=NOW, tier=0, polls=1, reading_digest="", faults=0
)
NOTED = LastNoted.of(READING, NOW, None)
GONE = AbsenceStreak(absence=Absence.NOT_FOUND, since=NOW, at=NOW)


def update(reading: Reading | None = None, **changes: object) -> ImportUpdate:
    return replace(ImportUpdate(due=NOW, reading=reading), **changes)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("claim", "found", "at", "kinds"),
    [
        (CLAIM, update(READING), NOW, ["reading"]),
        (replace(CLAIM, noted=NOTED), update(READING), NOW + HOUR, []),
        (replace(CLAIM, noted=NOTED), update(replace(READING, status="PAUSED")), NOW + SECOND, ["reading"]),
        (replace(CLAIM, noted=NOTED), update(replace(READING, person_count=8)), NOW + SECOND, []),
        (replace(CLAIM, noted=NOTED), update(replace(READING, person_count=8)), NOW + MINUTE, ["reading"]),
        (CLAIM, update(replace(READING, status="COMPLETED"), due=None), NOW, []),
        (CLAIM, update(faults=1, trouble="HTTP 503"), NOW, ["fault"]),
        (replace(CLAIM, faults=1), update(faults=2, trouble="HTTP 503"), NOW, []),
        (replace(CLAIM, faults=2), update(READING), NOW, ["fault_end", "reading"]),
        (replace(CLAIM, faults=2), update(faults=0, counted=False), NOW, []),
        (CLAIM, update(absent=GONE), NOW, ["absent"]),
        (replace(CLAIM, absent=GONE), update(absent=GONE), NOW, []),
        (replace(CLAIM, absent=GONE, noted=NOTED), update(READING), NOW, ["reading"]),
    ],
)
def test_a_poll_is_noted_if_it_finds_something_new(
    claim: PollClaim, found: ImportUpdate, at: int, kinds: list[str]
) -> None:
    notes, _ = notes_of_poll(claim, found, at)

    assert [each.kind.value for each in notes] == kinds


def test_the_changes_of_an_hour_are_thinned() -> None:
    claim, count = CLAIM, 0
    for minute in range(24 * 60):
        reading = replace(READING, person_count=minute)
        notes, noted = notes_of_poll(claim, update(reading), NOW + minute * MINUTE)
        claim, count = replace(claim, noted=noted or claim.noted), count + len(notes)

    assert 10 < count < 40


def test_the_beginning_and_the_end_of_each_pause_is_noted() -> None:
    paused = Budget(key_refused_since=NOW, over_limit_since=NOW + 1, breaker_open_since=NOW + 2, vanished_since=NOW + 3)

    began, ended = notes_of_budget(Budget(), paused, NOW + 9), notes_of_budget(paused, Budget(), NOW + 9)

    assert [(each.at - NOW, each.kind.value, *each.facts) for each in began] == [
        (0, "pause", "key_refused"),
        (3, "pause", "imports_vanished"),
        (2, "pause", "rally_down"),
        (1, "pause", "rally_pause"),
    ]
    assert {(each.at - NOW, each.kind) for each in ended} == {(9, NoteKind.PAUSE_END)}
    assert notes_of_budget(paused, paused, NOW) == notes_of_budget(Budget(), Budget(), NOW) == ()


def test_a_watch_keeps_what_belongs_to_its_time() -> None:
    def reading(at: int) -> Note:
        return Note(NOW + at, NoteKind.READING, ("UPLOADING", str(at), "0"))

    def pause(at: int, reason: str, *, ends: bool = False) -> Note:
        return Note(NOW + at, NoteKind.PAUSE_END if ends else NoteKind.PAUSE, (reason,))

    of_import = [reading(-9), reading(-5), Note(NOW - 4, NoteKind.FAULT, ("x",)), reading(5), reading(99)]
    of_workspace = [pause(-9, "a"), pause(-8, "b"), pause(-7, "b", ends=True), pause(7, "a", ends=True), pause(99, "c")]

    kept = notes_for_watch(NOW, NOW + 10, of_import, of_workspace)

    assert kept == (pause(-9, "a"), reading(-5), reading(5), pause(7, "a", ends=True))


def test_a_watch_keeps_the_last_pauses() -> None:
    pauses = [Note(NOW + at, NoteKind.PAUSE, ("rally_pause",)) for at in range(100)]

    assert notes_for_watch(NOW, NOW + HOUR, [], pauses) == tuple(pauses[-MOST_PAUSES:])
