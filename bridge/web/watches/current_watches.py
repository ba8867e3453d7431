"""Open watches as they are now: with what is known of their imports."""

from dataclasses import replace

from bridge.domain.conclusions import trouble_in_words
from bridge.domain.polling.last_poll_words import last_poll
from bridge.domain.watches import Watch
from bridge.store.imports.import_records import ImportRecord


def as_of_now(watch: Watch, record: ImportRecord) -> Watch:
    """Return an open watch with the latest state of its import."""
    known = record.state
    trouble = None if known.trouble is None else trouble_in_words(known.trouble)
    return replace(
        watch,
        reason=known.workspace_trouble or trouble,
        reading=known.reading,
        polls=record.polls,
        polled_at=known.polled_at,
        last_poll=last_poll(known, watch),
    )
