"""The sentences of a watch's history: readings, notes and attempts in words."""

from collections.abc import Mapping

from bridge.domain.clients import slack_user_of
from bridge.domain.conclusions import absence_reason
from bridge.domain.delivery.attempts import Attempt
from bridge.domain.history.notes import Note, NoteKind
from bridge.domain.history.wait_reasons import WaitReason
from bridge.domain.imports import Absence, Reading
from bridge.domain.outcomes import Outcome
from bridge.domain.rules.rules import rule_of

OUTCOMES: Mapping[Outcome, str] = {
    Outcome.COMPLETED: "the import completed",
    Outcome.COMPLETED_WITH_FAILURES: "the import completed, with failed records",
    Outcome.FAILED: "the import failed",
    Outcome.NOT_FOUND: "Rally knows no such import",
    Outcome.FORBIDDEN: "Rally does not let our key see the import",
    Outcome.TIMED_OUT: "the import did not end before the watch expired",
}
_PAUSES: Mapping[str, tuple[str, str]] = {
    WaitReason.KEY_REFUSED: ("Rally refused the API key of the workspace", "Rally accepted the API key again"),
    WaitReason.IMPORTS_VANISHED: ("Rally showed none of the earlier imports any more", "Rally showed imports again"),
    WaitReason.RALLY_DOWN: ("Rally gave no usable answers", "Rally answered again"),
    WaitReason.RALLY_PAUSE: ("Rally answered that its rate limit is used up", "Rally allowed calls again"),
}
_OTHER_PAUSE = ("a pause of another version of the bridge began", "a pause of another version of the bridge ended")


def client_words(client: str) -> str:
    """Return who has done something, in words."""
    if (rule := rule_of(client)) is not None:
        return f"the rule {rule}"
    user = slack_user_of(client)
    return f"the client {client}" if user is None else f"the Slack user {user}"


def reading_words(reading: Reading) -> str:
    people = "" if reading.person_count is None else str(reading.person_count)
    return _reading(reading.status, people, str(reading.failed_record_count))


def _reading(status: str, people: str, failed: str) -> str:
    counts = "an unknown number of people" if people == "" else f"{int(people):,} people"
    failures = f", {int(failed):,} failed" if int(failed) else ""
    return f"Rally reports {status}, {counts}{failures}"


def note_words(note: Note, places: Mapping[str, str]) -> str:
    """Return a note in words; `places` are where the deliveries of the watch go, by their ids."""
    words = note.kind.value
    match note.kind, note.facts:
        case NoteKind.READING, (status, people, failed):
            words = _reading(status, people, failed)
        case NoteKind.ABSENT, (absence,):
            words = f"{absence_reason(Absence(absence))}: absences count once they are repeated"
        case NoteKind.FAULT, (reason,):
            words = f"polls began to fail: {reason}"
        case NoteKind.FAULT_END, (number,):
            words = "the next poll succeeded" if number == "1" else f"polls succeeded again, after {number} failed ones"
        case NoteKind.PAUSE, (reason,):
            words = f"{_PAUSES.get(reason, _OTHER_PAUSE)[0]}: polls of the whole workspace stopped"
        case NoteKind.PAUSE_END, (reason,):
            words = _PAUSES.get(reason, _OTHER_PAUSE)[1]
        case NoteKind.PUSH, _:
            words = "Rally pushed that the import has ended: its next poll is due at once"
        case NoteKind.REDELIVERY, (delivery_id, by):
            words = f"{client_words(by)} had the message to {places.get(delivery_id, delivery_id)} sent again"
        case NoteKind.RELEASED, (delivery_id,):
            place = places.get(delivery_id, delivery_id)
            words = f"the message to {place} is sent after all, as the one that told the same was abandoned"
    return words


def attempt_words(attempt: Attempt, place: str) -> str:
    words = "was accepted" if attempt.reason is None else f"failed: {attempt.reason}"
    status = f"HTTP {attempt.status}"
    is_said = attempt.status is None or status in words
    answered = "" if is_said else f"{status}, "
    return f"attempt {attempt.number} to {place} {words} ({answered}{attempt.took} ms)"
