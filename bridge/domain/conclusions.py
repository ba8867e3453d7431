"""How a watch ends: its outcome and the reason for it, decided from what is known of its import."""

from dataclasses import dataclass

from bridge.domain.import_state import ImportState
from bridge.domain.imports import Absence, Reading
from bridge.domain.outcomes import Outcome, outcome_of
from bridge.domain.polling.absences import AbsenceStreak
from bridge.domain.times import Moment, rfc3339
from bridge.domain.watches import Watch


@dataclass(frozen=True, slots=True)
class Conclusion:
    """An outcome and, unless it is self-explanatory, a reason."""

    outcome: Outcome
    reason: str | None = None
    reading: Reading | None = None
    """What the outcome was concluded from, if that was no reading of the import."""


def conclude(watch: Watch, state: ImportState, now: Moment, *, last_call_made: bool = False) -> Conclusion | None:
    """Return how a watch has ended; None while it is open.

    A final reading always ends it. Absences end it once Rally has repeated them over the watch's grace period. An
    expired watch ends after one more poll of its import, or once that poll was given up (`last_call_made`).
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
