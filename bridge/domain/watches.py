"""Watches: a client's request to be notified how one import ends; and the rule that decides when it has."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from http import HTTPStatus
from typing import Any

from bridge.domain.absences import AbsenceStreak
from bridge.domain.destinations import Destination
from bridge.domain.imports import Absence, PollAnswer, Reading
from bridge.domain.outcomes import Outcome, outcome_of
from bridge.domain.times import DAY, Moment, Span, rfc3339

LONGEST_WATCH: Span = 30 * DAY
"""The longest time until a watch expires."""


class WatchState(StrEnum):
    """`watching`, then one final state."""

    WATCHING = "watching"
    SETTLED = "settled"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True, kw_only=True)
class Watch:
    """A watch as stored; until `grace_until`, a 404 or 403 may mean that the import is not visible yet."""

    id: str
    client: str
    workspace: str
    import_id: str
    notify: tuple[Destination, ...] = ()
    label: str | None = None
    metadata: Mapping[str, Any] = field(default_factory=dict)
    created_at: Moment
    grace_until: Moment
    expires_at: Moment
    state: WatchState = WatchState.WATCHING
    outcome: Outcome | None = None
    reason: str | None = None
    settled_at: Moment | None = None
    reading: Reading | None = None
    """The reading that settled the watch. While the watch is open, the API shows the latest reading of the import."""
    deliveries: tuple[str, ...] = ()
    polls: int = 0
    polled_at: Moment | None = None
    """The number of polls of the import, and the time of the last one, when the watch was settled."""
    last_poll: "LastPoll | None" = None
    """What the last poll of the import found, when the watch was settled."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LastPoll:
    """What the last poll of an import found: Rally's HTTP status, None without an answer, and what it means."""

    at: Moment
    status: int | None
    meaning: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportState:
    """The state of an import, from which the outcomes of its watches are decided."""

    reading: Reading | None = None
    absent: AbsenceStreak | None = None
    """The current streak of absences; None after a reading."""
    polled_at: Moment | None = None
    answer: PollAnswer | None = None
    """The last answer to a poll, also one that says nothing about the import."""
    trouble: str | None = None
    """Rally's last answer about the import, if it was unusable (`HTTP 400`)."""
    workspace_trouble: str | None = None
    """Why the workspace gets no answers at present (`Rally refused our key since …`), for the reason of a timeout."""

    @property
    def just_read(self) -> bool:
        """Whether the last poll read the import."""
        return self.answer is not None and self.answer.status == HTTPStatus.OK and self.trouble is None


@dataclass(frozen=True, slots=True)
class Conclusion:
    """An outcome and, unless it is self-explanatory, a reason."""

    outcome: Outcome
    reason: str | None = None


def conclude(watch: Watch, state: ImportState, now: Moment, *, last_call_made: bool = False) -> Conclusion | None:
    """Return how a watch has ended; None while it is open.

    A final reading always counts. Absences count once Rally has repeated them over the watch's grace period. Expiry
    counts once the import was polled after it, or that last poll was given up (`last_call_made`).
    """
    if state.reading is not None and (outcome := outcome_of(state.reading)):
        return Conclusion(outcome)
    if state.absent is not None and _is_absent(watch, state.absent):
        return Conclusion(Outcome(state.absent.absence.value), absence_reason(state.absent.absence))
    if now < watch.expires_at:
        return None
    if last_call_made or (state.polled_at is not None and state.polled_at >= watch.expires_at):
        return Conclusion(Outcome.TIMED_OUT, _timeout_reason(watch, state))
    return None


def _is_absent(watch: Watch, streak: AbsenceStreak) -> bool:
    """Return whether an import's absences count for a watch, which may have been created after they began."""
    return streak.at >= watch.grace_until and streak.is_conclusive(watch.grace_until - watch.created_at)


def absent_until(watch: Watch, streak: AbsenceStreak) -> Moment:
    """Return the moment from which an import's absences count for a watch, if Rally repeats them until then."""
    return max(watch.grace_until, streak.since + watch.grace_until - watch.created_at)


def absence_reason(absence: Absence) -> str:
    match absence:
        case Absence.NOT_FOUND:
            return "Rally knows no such import"
        case Absence.FORBIDDEN:
            return "Rally does not let our key see this import"


def trouble_in_words(trouble: str) -> str:
    """Return the reason for a watch whose import's last answer was unusable."""
    return f"no usable answer from Rally: {trouble}"


def _timeout_reason(watch: Watch, state: ImportState) -> str:
    return f"not finished by {rfc3339(watch.expires_at)}: {_last_answers(state)}"


def _last_answers(state: ImportState) -> str:
    parts: list[str] = []
    if state.reading is not None:
        parts.append(f"the last status was {state.reading.status}")
    if state.workspace_trouble:
        parts.append(state.workspace_trouble)
    elif state.trouble:
        parts.append(trouble_in_words(state.trouble))
    elif state.absent is not None:
        parts.append(absence_reason(state.absent.absence))
    return "; then ".join(parts) or "Rally gave no answer"
