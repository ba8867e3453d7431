"""What the last poll of an import found, in words for the clients of its watches."""

from http import HTTPStatus

from bridge.domain.conclusions import absence_reason, absent_until, trouble_in_words
from bridge.domain.import_state import ImportState
from bridge.domain.imports import PollAnswer, Reading
from bridge.domain.outcomes import Outcome
from bridge.domain.polling.absences import AbsenceStreak
from bridge.domain.polling.last_poll import LastPoll
from bridge.domain.rules.rule_conclusions import counts_as_pushed
from bridge.domain.times import to_the_minute
from bridge.domain.watches import Watch


def last_poll(state: ImportState, watch: Watch | None = None) -> LastPoll | None:
    """Return what the last poll found; None before the first. For an open `watch` it also says when that will end."""
    if state.answer is None:
        return None
    return LastPoll(at=state.answer.at, status=state.answer.status, meaning=_meaning(state.answer, state, watch))


def _meaning(answer: PollAnswer, state: ImportState, watch: Watch | None) -> str:
    match answer.status:
        case HTTPStatus.UNAUTHORIZED:
            return "Rally refuses the bridge's API key"
        case HTTPStatus.TOO_MANY_REQUESTS:
            return "Rally's rate limit is used up"
    if state.trouble is not None:
        return trouble_in_words(state.trouble)
    if state.absent is not None:
        return _absence(state.absent, watch)
    if answer.status != HTTPStatus.OK and state.workspace_trouble is not None:
        return state.workspace_trouble  # its absences do not count
    return "nothing about this import" if state.reading is None else _status(state.reading)


def _absence(streak: AbsenceStreak, watch: Watch | None) -> str:
    reason = absence_reason(streak.absence)
    if watch is None:
        return reason
    if counts_as_pushed(watch):
        expiry = to_the_minute(watch.expires_at, streak.at)
        return f"{reason} yet; the watch ends at {expiry} as Rally's push said unless that changes"
    at, outcome = absent_until(watch, streak), Outcome(streak.absence.value)
    if at > watch.expires_at:
        at, outcome = watch.expires_at, Outcome.TIMED_OUT
    when = f"at {to_the_minute(at, streak.at)}" if at > streak.at else "soon"
    return f"{reason} yet; the watch ends as {outcome.value} {when} unless that changes"


def _status(reading: Reading) -> str:
    return f"Rally reports {reading.status}" + ("" if reading.finished else ", which is not finished")
