"""The result of a poll: what it changes about the import, and when the next poll is due."""

from dataclasses import dataclass, field, replace

from bridge.domain.imports import (
    Absent,
    FailedRecord,
    KeyRefused,
    OverLimit,
    PollAnswer,
    Read,
    Reading,
    Reply,
    Unanswered,
    Unusable,
)
from bridge.domain.polling.absences import AbsenceStreak, next_streak
from bridge.domain.polling.budget import LONGEST_RALLY_PAUSE
from bridge.domain.polling.last_noted import LastNoted
from bridge.domain.polling.poll_intervals import FOLLOW_UPS, PollIntervals, retry_pause
from bridge.domain.polling.quarantine import QUARANTINE
from bridge.domain.rules.push_proof import UNSTRETCHED, Proofs, Stretch, countable_type, stretch_of
from bridge.domain.times import Moment, Span

ABSENCE_SHARE = 10
"""An absent import that only rules watch is polled after a pause of at least this fraction of its absence."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PollClaim:
    """An import claimed by this worker for one poll; the result is committed only under `fence`."""

    workspace: str
    import_id: str
    fence: int
    first_at: Moment
    """When the first watch of the import was created; the age of the import determines the pauses."""
    due: Moment
    tier: int
    """The tier of the import, by the length of the pause that ended at `due`."""
    polls: int
    reading_digest: str
    """The digest of the stored reading, empty if there is none: an equal reading is not written again."""
    faults: int
    """The number of consecutive polls without a usable answer."""
    absent: AbsenceStreak | None = None
    pushed_at: Moment | None = None
    """When Rally last pushed the end of the import."""
    polls_since_push: int = 0
    """The number of polls since then, this one not included."""
    by_rule: bool = False
    """Whether only rules watch the import."""
    noted: LastNoted | None = None
    """The last reading that was noted for the histories of its watches."""
    proofs: Proofs = field(default_factory=dict)
    """What pushes have proven in the workspace."""

    @property
    def shown(self) -> bool:
        """Whether the last conclusive answer was a reading."""
        return bool(self.reading_digest) and self.absent is None


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportUpdate:
    """What to commit for an import after a poll; `due` is None after a final reading."""

    due: Moment | None
    stretch: Stretch = UNSTRETCHED
    """By how much `due` was put off, because pushes are proven for the import's type."""
    unstretched_due: Moment | None = None
    """The time of the next poll without that; None if `due` was not put off."""
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
    record_set: tuple[FailedRecord, ...] = field(default=(), repr=False)
    """All failed records, if the reading has only the first of them and they are to be kept."""


def after_poll(
    claim: PollClaim,
    reply: Reply,
    intervals: PollIntervals,
    *,
    jitter: float,
    probing: bool = False,
    trusted_since: Moment = 0,
) -> ImportUpdate:
    """Return what to commit for an import after one reply; `jitter` is a random number from 0 to 1.

    While the breaker is open (`probing`), a Retry-After does not delay the import that was used as the probe.
    Absences before `trusted_since` do not count.
    """
    update = _after_answer(claim, reply, intervals, jitter=jitter, probing=probing, trusted_since=trusted_since)
    record_set = reply.answer.record_set if isinstance(reply.answer, Read) else ()
    return replace(update, answer=PollAnswer(reply.at, reply.status), record_set=record_set)


def _after_answer(
    claim: PollClaim, reply: Reply, intervals: PollIntervals, *, jitter: float, probing: bool, trusted_since: Moment
) -> ImportUpdate:
    def due(faults: int = 0) -> Moment:
        return reply.at + _pause(claim, reply.at, intervals, faults=faults, jitter=jitter)

    match reply.answer:
        case Read(reading) if reading.finished:
            return ImportUpdate(due=None, reading=reading)
        case Read(reading):
            return _put_off(ImportUpdate(due=due(), reading=reading), claim, reply.at, intervals)
        case Absent(absence):
            streak = next_streak(claim.absent, absence, reply.at, trusted_since=trusted_since)
            # A rule may wait for a day for an import that its key can't see: polls become rare.
            rare = (reply.at - streak.since) // ABSENCE_SHARE if claim.by_rule else 0
            return ImportUpdate(due=max(due(), reply.at + rare), absent=streak)
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


def _pause(claim: PollClaim, now: Moment, intervals: PollIntervals, *, faults: int, jitter: float) -> Span:
    """Return the pause before the next poll, without regard to what pushes have proven.

    After a push the import has probably ended: the first pauses are short, and its age counts from the push.
    """
    if claim.pushed_at is None:
        return intervals.pause(now - claim.first_at, faults=faults, jitter=jitter)
    if faults == 0 and claim.polls_since_push < len(FOLLOW_UPS):
        return FOLLOW_UPS[claim.polls_since_push]
    return intervals.pause(now - claim.pushed_at, faults=faults, jitter=jitter)


def _put_off(update: ImportUpdate, claim: PollClaim, now: Moment, intervals: PollIntervals) -> ImportUpdate:
    """Return the update with its next poll put off as far as pushes are proven for the import's type.

    After a push for the import itself nothing is put off: the end that it promised has not been seen.
    """
    if update.due is None or update.reading is None or claim.pushed_at is not None:
        return update
    type_ = countable_type(update.reading.type)
    stretch = stretch_of(claim.proofs.get(type_), now) if type_ is not None else UNSTRETCHED
    if stretch is UNSTRETCHED:
        return update
    later = (stretch.factor - 1) * intervals.interval(now - claim.first_at)
    return replace(update, due=update.due + later, stretch=stretch, unstretched_due=update.due)


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
