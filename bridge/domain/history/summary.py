"""What became of a watch, in a few sentences: the answer to “why was I not told?”."""

from collections.abc import Iterator, Mapping, Sequence

from bridge.domain.delivery.deliveries import Delivery, DeliveryState
from bridge.domain.history.wording import OUTCOMES, reading_words
from bridge.domain.watches import Watch, WatchState


def summary(watch: Watch, deliveries: Sequence[Delivery], places: Mapping[str, str]) -> str:
    """Return the sentences; `places` are where the deliveries go, by their ids."""
    match watch.state:
        case WatchState.WATCHING:
            return " ".join(_open(watch))
        case WatchState.CANCELLED:
            return "The watch was cancelled before its import ended, so nothing is sent."
        case WatchState.SETTLED:
            return " ".join((_end(watch), *_messages(watch, deliveries, places)))


def _open(watch: Watch) -> Iterator[str]:
    yield "The import has not ended as far as the bridge knows, so nobody was told."
    if watch.reading is not None:
        yield f"{reading_words(watch.reading)}."
    if watch.last_poll is not None and (watch.reading is None or watch.last_poll.status != _READ):
        yield f"The last poll found: {watch.last_poll.meaning}."


_READ = 200
"""Rally's status of an answer with the import."""


def _end(watch: Watch) -> str:
    words = "The watch ended" if watch.outcome is None else OUTCOMES[watch.outcome]
    return f"{words[0].upper()}{words[1:]}."


def _messages(watch: Watch, deliveries: Sequence[Delivery], places: Mapping[str, str]) -> Iterator[str]:
    if not watch.deliveries:
        yield "The watch has no destination, so no message was due."
    for delivery in deliveries:
        place = places[delivery.id]
        reason = f": {delivery.last_reason}" if delivery.last_reason else ""
        match delivery.state:
            case DeliveryState.DELIVERED:
                yield f"The message to {place} was delivered."
            case DeliveryState.ABANDONED:
                attempts = "1 attempt" if delivery.attempts == 1 else f"{delivery.attempts} attempts"
                yield f"The message to {place} was abandoned after {attempts}{reason}."
            case DeliveryState.SKIPPED:
                yield f"No message was due to {place}{reason}."
            case DeliveryState.PENDING:
                yield f"The message to {place} is not delivered yet{reason}."
