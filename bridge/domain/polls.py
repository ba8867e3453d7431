"""What the result of a poll changes about an import."""

from dataclasses import dataclass, replace

from bridge.domain.absences import AbsenceStreak, next_streak
from bridge.domain.budget import LONGEST_RALLY_PAUSE
from bridge.domain.imports import (
    Absent,
    KeyRefused,
    OverLimit,
    PollAnswer,
    Read,
    Reading,
    Reply,
    Unanswered,
    Unusable,
)
from bridge.domain.poll_schedule import PollSchedule, retry_pause
from bridge.domain.quarantine import QUARANTINE
from bridge.domain.times import Moment


@dataclass(frozen=True, slots=True, kw_only=True)
class PollClaim:
    """An import claimed by this worker for one poll; the result is committed only under `fence`."""

    workspace: str
    import_id: str
    fence: int
    first_at: Moment
    """When the first watch of the import was created; the age of the import determines the schedule."""
    due: Moment
    tier: int
    """The tier of the import, by the length of the pause that ended at `due`."""
    polls: int
    reading_digest: str
    """The digest of the stored reading, empty if there is none: an equal reading is not written again."""
    faults: int
    """The number of consecutive polls without a usable answer."""
    absent: AbsenceStreak | None = None

    @property
    def shown(self) -> bool:
        """Whether the last conclusive answer was a reading."""
        return bool(self.reading_digest) and self.absent is None


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportUpdate:
    """What to commit for an import after a poll; `due` is None after a final reading."""

    due: Moment | None
    faults: int = 0
    counted: bool = True
    """Whether the poll counts; not if Rally rejected it for the whole workspace, because of its rate limit or key."""
    reading: Reading | None = None
    absent: AbsenceStreak | None = None
    """The streak of absences, if the answer was one."""
    trouble: str | None = None
    """The reason why the answer was unusable, if it was."""
    retry_at: Moment = 0
    """The earliest time of the next poll, if Rally sent a Retry-After."""
    answer: PollAnswer | None = None
    """The answer of Rally; None if no request was sent."""


def after_poll(
    claim: PollClaim,
    reply: Reply,
    schedule: PollSchedule,
    *,
    jitter: float,
    probing: bool = False,
    trusted_since: Moment = 0,
) -> ImportUpdate:
    """Return what to commit for an import after one reply; `jitter` is a random number from 0 to 1.

    While the breaker is open (`probing`), a Retry-After does not delay the import that was used as the probe.
    Absences before `trusted_since` do not count.
    """
    update = _after_answer(claim, reply, schedule, jitter=jitter, probing=probing, trusted_since=trusted_since)
    return replace(update, answer=PollAnswer(reply.at, reply.status))


def _after_answer(
    claim: PollClaim, reply: Reply, schedule: PollSchedule, *, jitter: float, probing: bool, trusted_since: Moment
) -> ImportUpdate:
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
            retry_after = 0 if probing or wait is None else min(wait, LONGEST_RALLY_PAUSE)
            pause = max(retry_pause(faults, jitter=jitter), retry_after)
            return ImportUpdate(
                due=reply.at + pause,
                faults=faults,
                trouble=reason,
                retry_at=reply.at + retry_after if retry_after else 0,
            )


def is_news(claim: PollClaim, update: ImportUpdate) -> bool:
    """Return whether a poll changed what is known of an import, other than by a new reading."""
    if bool(claim.faults) != bool(update.faults):
        return True
    if update.absent is not None:
        return claim.absent is None or claim.absent.absence is not update.absent.absence
    return update.reading is not None and claim.absent is not None


def release_claim(claim: PollClaim) -> ImportUpdate:
    """Return the update for a claim whose request was not sent, because its lease or window ended first."""
    return ImportUpdate(due=claim.due, faults=claim.faults, counted=False)


def quarantine(claim: PollClaim, now: Moment) -> ImportUpdate:
    """Return the update for an import whose processing raised an unexpected error."""
    return ImportUpdate(due=now + QUARANTINE, faults=claim.faults + 1)
