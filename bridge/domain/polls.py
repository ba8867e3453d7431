"""What one poll makes of an import that is being polled."""

from dataclasses import dataclass

from bridge.domain.absences import AbsenceStreak, next_streak
from bridge.domain.budget import LONGEST_PAUSE
from bridge.domain.imports import Absent, KeyRefused, OverLimit, Read, Reading, Reply, Unanswered, Unusable
from bridge.domain.schedules import PollSchedule, retry_pause
from bridge.domain.times import HOUR, Moment, Span

QUARANTINE: Span = HOUR
"""An import that our own code trips over is put this far ahead, so that it holds up nobody."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PollClaim:
    """An import that this worker may ask about: until `lease` runs out, and committed only under `fence`."""

    workspace: str
    import_id: str
    fence: int
    first_at: Moment
    """When the first of its watches came: its age decides the schedule."""
    due: Moment
    tier: int
    """Its place in the order of polls: the tier of the pause that ended at `due`."""
    polls: int
    known: str
    """The mark of the reading that is stored: an equal one need not be written again."""
    faults: int
    """Polls in a row to which there was no answer, or none that could be used."""
    absent: AbsenceStreak | None = None

    @property
    def shown(self) -> bool:
        """Return whether Rally showed us this import when it last said something of it."""
        return bool(self.known) and self.absent is None


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportUpdate:
    """What to commit for an import after a poll: `due` is None when its final reading came."""

    due: Moment | None
    faults: int = 0
    counted: bool = True
    """Whether this was a poll at all: one that Rally turned away for its rate limit costs the import nothing."""
    reading: Reading | None = None
    absent: AbsenceStreak | None = None
    """Set when this answer was an absence: with those before it."""
    trouble: str | None = None
    """What Rally last answered, where that could not be used."""


def after_poll(
    claim: PollClaim,
    reply: Reply,
    schedule: PollSchedule,
    *,
    jitter: float,
    probing: bool = False,
    trusted_since: Moment = 0,
) -> ImportUpdate:
    """Decide what becomes of an import after one reply; `jitter` is drawn from 0 to 1.

    While a line at fault is only probed (`probing`), a Retry-After is not held against the import that was the probe.
    Absences before `trusted_since` do not count.
    """
    age = reply.at - claim.first_at

    def due(faults: int = 0) -> Moment:
        return reply.at + schedule.pause(age, faults=faults, jitter=jitter)

    match reply.answer:
        case Read(reading) if reading.finished:
            return ImportUpdate(due=None, reading=reading)
        case Read(reading):
            return ImportUpdate(due=due(), reading=reading)
        case Absent(absence):
            streak = next_streak(claim.absent, absence, reply.at, trusted_since=trusted_since)
            return ImportUpdate(due=due(), absent=streak)
        case OverLimit() | KeyRefused():
            # The workspace waits, not the import: it keeps its place in the order.
            return ImportUpdate(due=claim.due, faults=claim.faults, counted=False)
        case Unusable(reason):
            faults = claim.faults + 1
            return ImportUpdate(due=due(faults), faults=faults, trouble=reason)
        case Unanswered(reason, wait):
            faults = claim.faults + 1
            pause = max(retry_pause(faults, jitter=jitter), 0 if probing or wait is None else min(wait, LONGEST_PAUSE))
            return ImportUpdate(due=reply.at + pause, faults=faults, trouble=reason)


def release_claim(claim: PollClaim) -> ImportUpdate:
    """Give back a claim whose request was not sent, since its lease or window ran out first."""
    return ImportUpdate(due=claim.due, faults=claim.faults, counted=False)


def quarantine(claim: PollClaim, now: Moment) -> ImportUpdate:
    """Put an import aside that our own code tripped over."""
    return ImportUpdate(due=now + QUARANTINE, faults=claim.faults + 1)
