"""Notes: what is stored for the histories of watches, because nothing else keeps it; and when a poll is worth one."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from bridge.domain.history.wait_reasons import WaitReason
from bridge.domain.imports import Reading
from bridge.domain.polling.budget import Budget
from bridge.domain.polling.last_noted import LastNoted, counts_of
from bridge.domain.polling.poll_results import ImportUpdate, PollClaim
from bridge.domain.times import MINUTE, Moment, Span

MOST_NOTES = 200
"""The number of notes that are kept of one import or workspace: the last ones."""
MOST_PAUSES = 40
"""The number of notes about pauses that a watch keeps: the last ones."""
PROGRESS_SHARE = 5
"""A change of counts is noted after this part of the time since the first reading, and at most once a minute."""


class NoteKind(StrEnum):
    """What a note is about."""

    READING = "reading"
    ABSENT = "absent"
    FAULT = "fault"
    FAULT_END = "fault_end"
    PUSH = "push"
    PAUSE = "pause"
    PAUSE_END = "pause_end"
    REDELIVERY = "redelivery"
    RELEASED = "released"


@dataclass(frozen=True, slots=True)
class Note:
    """One thing that happened; the meaning of `facts` depends on the kind.

    reading      the status, the number of people ("" if unknown), the number of failed records
    absent       the absence
    fault        the reason; fault_end the number of faults
    pause        the WaitReason; so has pause_end
    redelivery   the delivery, and who asked for it
    released     the delivery
    """

    at: Moment
    kind: NoteKind
    facts: tuple[str, ...] = ()


def reading_note(reading: Reading, at: Moment) -> Note:
    return Note(at, NoteKind.READING, (reading.status, *counts_of(reading)))


def notes_of_poll(claim: PollClaim, update: ImportUpdate, at: Moment) -> tuple[tuple[Note, ...], LastNoted | None]:
    """Return what to note of a poll, and the last note about a reading after it; None if that does not change.

    Most polls find nothing new. An end is not noted: it is stored with the watches.
    """
    notes = list(_faults(claim, update, at))
    if update.absent is not None and (claim.absent is None or claim.absent.absence is not update.absent.absence):
        notes.append(Note(at, NoteKind.ABSENT, (update.absent.absence.value,)))
    if update.reading is None or update.reading.finished:
        return tuple(notes), None
    now_noted = LastNoted.of(update.reading, at, claim.noted)
    if not _is_worth_a_note(now_noted, claim.noted, reappeared=claim.absent is not None):
        return tuple(notes), None
    return (*notes, reading_note(update.reading, at)), now_noted


def _faults(claim: PollClaim, update: ImportUpdate, at: Moment) -> Iterator[Note]:
    if not update.counted or bool(claim.faults) == bool(update.faults):
        return
    if update.faults:
        yield Note(at, NoteKind.FAULT, (update.trouble or "an unexpected error of the bridge",))
    else:
        yield Note(at, NoteKind.FAULT_END, (str(claim.faults),))


def _is_worth_a_note(now: LastNoted, before: LastNoted | None, *, reappeared: bool) -> bool:
    if before is None or now.status != before.status or reappeared:
        return True
    return now.counts != before.counts and now.at - before.at >= _shortest_gap(now.at - now.first_at)


def _shortest_gap(age: Span) -> Span:
    return max(MINUTE, age // PROGRESS_SHARE)


def notes_of_budget(before: Budget, after: Budget, now: Moment) -> tuple[Note, ...]:
    """Return the pauses of a workspace that have begun or ended between two versions of its budget."""
    changes = (
        (WaitReason.KEY_REFUSED, before.key_refused_since, after.key_refused_since),
        (WaitReason.IMPORTS_VANISHED, before.vanished_since, after.vanished_since),
        (WaitReason.RALLY_DOWN, before.breaker_open_since, after.breaker_open_since),
        (WaitReason.RALLY_PAUSE, before.over_limit_since, after.over_limit_since),
    )
    return tuple(note for reason, was, is_ in changes for note in _pause_change(reason, was, is_, now))


def _pause_change(reason: WaitReason, was: Moment | None, is_: Moment | None, now: Moment) -> Iterator[Note]:
    if was is None and is_ is not None:
        yield Note(is_, NoteKind.PAUSE, (reason.value,))
    if was is not None and is_ is None:
        yield Note(now, NoteKind.PAUSE_END, (reason.value,))


def notes_for_watch(
    created_at: Moment, until: Moment, of_import: Sequence[Note], of_workspace: Sequence[Note]
) -> tuple[Note, ...]:
    """Return the notes that belong to the time of a watch, oldest first.

    The last reading of its import before that time belongs to it as well. So do the pauses of its workspace that were
    in progress when it began. If there were many pauses, only the last ones are kept.
    """
    before = [each for each in of_import if each.at < created_at and each.kind is NoteKind.READING][-1:]
    during = [each for each in of_import if created_at <= each.at <= until]
    pauses = [each for each in _in_progress(of_workspace, created_at) if each.at <= until][-MOST_PAUSES:]
    return tuple(sorted((*before, *during, *pauses), key=lambda each: each.at))


def _in_progress(pauses: Sequence[Note], moment: Moment) -> Iterator[Note]:
    """Yield the pauses that began or ended after a moment, and the beginning of those in progress at it."""
    began: dict[tuple[str, ...], Note] = {}
    for each in pauses:
        if each.at >= moment:
            yield from began.values()
            began.clear()
            yield each
        elif each.kind is NoteKind.PAUSE:
            began[each.facts] = each
        else:
            began.pop(each.facts, None)
    yield from began.values()
