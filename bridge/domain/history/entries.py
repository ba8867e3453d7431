"""The entries of a watch's history, and the history as a whole."""

from dataclasses import dataclass
from enum import StrEnum

from bridge.domain.history.wait_reasons import WaitingFor
from bridge.domain.times import Moment


class HistoryKind(StrEnum):
    """What an entry is about."""

    ACCEPTED = "accepted"
    """A client, a rule or a person has asked for the watch."""
    READING = "reading"
    """Rally showed the import for the first time, with a new status, or with other counts."""
    ABSENT = "absent"
    """Rally did not show the import."""
    FAULT = "fault"
    """Polls began to fail."""
    FAULT_END = "fault_end"
    PAUSE = "pause"
    """The polls of the whole workspace stopped."""
    PAUSE_END = "pause_end"
    PUSH = "push"
    """Rally sent a push about the import."""
    EXPIRED = "expired"
    OUTCOME = "outcome"
    CANCELLED = "cancelled"
    ATTEMPT = "attempt"
    """A message was sent, or could not be sent."""
    DELIVERY_END = "delivery_end"
    """A delivery ended without an attempt: in a digest, or because of its age."""
    SKIPPED = "skipped"
    RELEASED = "released"
    """A skipped delivery is sent after all."""
    REDELIVERY = "redelivery"
    LEFT_OUT = "left_out"
    """There are more entries than are shown."""


@dataclass(frozen=True, slots=True)
class HistoryEntry:
    """One thing that happened: `text` is a sentence without a full stop, and without secrets."""

    at: Moment
    kind: HistoryKind
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeline:
    """The history of a watch: its entries, oldest first, and what they amount to."""

    summary: str
    """What became of the watch, in sentences."""
    entries: tuple[HistoryEntry, ...]
    waiting_for: WaitingFor | None
    """None if nothing is left to be done."""
    advice: tuple[str, ...]
    """What a person can do, in sentences; empty if there is nothing to do."""
