"""What is stored of a watch's history beside its record, its deliveries and their attempts."""

from dataclasses import dataclass

from bridge.domain.history.notes import Note
from bridge.domain.times import Moment


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredHistory:
    """The notes of a watch, oldest first, and what its import was when it was accepted."""

    notes: tuple[Note, ...] = ()
    polled_since: Moment | None = None
    """Since when its import was polled already; None if the watch began that."""
    cancelled_by: str | None = None
