"""The timeline of a watch: all that is stored about it, put in order and in words."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from bridge.domain.delivery.attempts import Attempt
from bridge.domain.delivery.deliveries import Delivery, DeliveryState
from bridge.domain.history.advice import advice
from bridge.domain.history.entries import HistoryEntry, HistoryKind, Timeline
from bridge.domain.history.notes import NoteKind
from bridge.domain.history.stored_history import StoredHistory
from bridge.domain.history.summary import summary
from bridge.domain.history.wait_reasons import WaitingFor
from bridge.domain.history.wording import OUTCOMES, attempt_words, client_words, note_words, reading_words
from bridge.domain.outcomes import Outcome
from bridge.domain.times import rfc3339
from bridge.domain.watches import Watch

MOST_ENTRIES = 200
FIRST_ENTRIES = 50
"""The number of the first entries that are shown of a longer history; the others are the last ones."""
_KINDS: Mapping[NoteKind, HistoryKind] = {
    NoteKind.READING: HistoryKind.READING,
    NoteKind.ABSENT: HistoryKind.ABSENT,
    NoteKind.FAULT: HistoryKind.FAULT,
    NoteKind.FAULT_END: HistoryKind.FAULT_END,
    NoteKind.PUSH: HistoryKind.PUSH,
    NoteKind.PAUSE: HistoryKind.PAUSE,
    NoteKind.PAUSE_END: HistoryKind.PAUSE_END,
    NoteKind.REDELIVERY: HistoryKind.REDELIVERY,
    NoteKind.RELEASED: HistoryKind.RELEASED,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryHistory:
    """A delivery, where it goes (without secrets), and its attempts; reasons are as the reader may see them."""

    delivery: Delivery
    place: str
    attempts: Sequence[Attempt] = ()


def timeline(
    watch: Watch, stored: StoredHistory, deliveries: Sequence[DeliveryHistory], waiting: WaitingFor | None
) -> Timeline:
    """Return the history of a watch as it is now; of an open watch, `watch` has the latest reading of its import."""
    places = {each.delivery.id: each.place for each in deliveries}
    entries = [
        _accepted(watch, stored),
        *(HistoryEntry(note.at, _KINDS[note.kind], note_words(note, places)) for note in stored.notes),
        *_ending(watch, stored),
        *(entry for each in deliveries for entry in _delivery(each)),
    ]
    return Timeline(
        summary=summary(watch, [each.delivery for each in deliveries], places),
        entries=_bounded(sorted(entries, key=lambda each: each.at)),
        waiting_for=waiting,
        advice=tuple(advice(watch, [each.delivery for each in deliveries], waiting)),
    )


def _accepted(watch: Watch, stored: StoredHistory) -> HistoryEntry:
    asked = f"{client_words(watch.client)} asked for the watch"
    if watch.push is not None:
        asked = f"{client_words(watch.client)} made the watch, after Rally's push at {rfc3339(watch.push.at)}"
    joined = ""
    if stored.polled_since is not None:
        joined = f"; it joined the polls of the import, which began at {rfc3339(stored.polled_since)}"
    return HistoryEntry(watch.created_at, HistoryKind.ACCEPTED, asked + joined)


def _ending(watch: Watch, stored: StoredHistory) -> Iterator[HistoryEntry]:
    if watch.settled_at is None:
        return
    if watch.outcome is None:
        by = "" if stored.cancelled_by is None else f" by {client_words(stored.cancelled_by)}"
        yield HistoryEntry(watch.settled_at, HistoryKind.CANCELLED, f"the watch was cancelled{by}")
        return
    if watch.outcome is Outcome.TIMED_OUT:
        yield HistoryEntry(watch.expires_at, HistoryKind.EXPIRED, "the watch expired; its import is polled once more")
    reading = "" if watch.reading is None else f": {reading_words(watch.reading)}"
    is_said = watch.reason is None or watch.reason.lower() == OUTCOMES[watch.outcome].lower()
    reason = "" if is_said else f" ({watch.reason})"
    yield HistoryEntry(watch.settled_at, HistoryKind.OUTCOME, f"{OUTCOMES[watch.outcome]}{reading}{reason}")


def _delivery(each: DeliveryHistory) -> Iterator[HistoryEntry]:
    for attempt in each.attempts:
        yield HistoryEntry(attempt.at, HistoryKind.ATTEMPT, attempt_words(attempt, each.place))
    delivery, place = each.delivery, each.place
    if delivery.ended_at is None:
        return
    reason = f": {delivery.last_reason}" if delivery.last_reason else ""
    match delivery.state:
        case DeliveryState.SKIPPED:
            yield HistoryEntry(delivery.ended_at, HistoryKind.SKIPPED, f"no message to {place}{reason}")
        case DeliveryState.ABANDONED:
            text = f"the message to {place} was abandoned{reason}"
            yield HistoryEntry(delivery.ended_at, HistoryKind.DELIVERY_END, text)
        case DeliveryState.DELIVERED if not each.attempts:
            text = f"the message to {place} was delivered{reason}"
            yield HistoryEntry(delivery.ended_at, HistoryKind.DELIVERY_END, text)
        case _:
            pass


def _bounded(entries: Sequence[HistoryEntry]) -> tuple[HistoryEntry, ...]:
    """Return at most MOST_ENTRIES: the first ones, a gap that says how many are missing, and the last ones."""
    if len(entries) <= MOST_ENTRIES:
        return tuple(entries)
    last = MOST_ENTRIES - FIRST_ENTRIES - 1
    left_out = entries[FIRST_ENTRIES:-last]
    gap = HistoryEntry(left_out[0].at, HistoryKind.LEFT_OUT, f"{len(left_out):,} more entries are left out here")
    return (*entries[:FIRST_ENTRIES], gap, *entries[-last:])
