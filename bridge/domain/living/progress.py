"""What a living message says: how far an import is, and then how it ended."""

from dataclasses import dataclass
from enum import StrEnum

from bridge.domain.imports import Absence, Reading
from bridge.domain.nudges import Remark
from bridge.domain.outcomes import Outcome
from bridge.domain.times import Moment, Span


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """An import that is watched, as far as it is known."""

    workspace: str
    import_id: str
    label: str | None
    clients: tuple[str, ...]
    """The clients of the watches that share the message, in the order of the watches."""
    reading: Reading | None
    absence: Absence | None = None
    """Why Rally has never shown the import, if it has answered at all."""
    watched_for: Span
    as_of: Moment
    """When the import was read."""
    link: str | None = None
    remark: Remark | None = None
    """What is said in place of nudges."""
    stoppable: str | None = None
    """The watch that its button ends; None if it has no button."""


class Told(StrEnum):
    """Where the end is told."""

    BELOW = "below"
    IN_THREAD = "in_thread"
    NOT_HERE = "not_here"
    """Nowhere that the message can name: the watch does not want this outcome here, or a digest tells it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownEnd:
    """The end of what a living message was about; without an outcome, nobody watches the import there any more."""

    workspace: str
    import_id: str
    label: str | None
    reading: Reading | None
    outcome: Outcome | None
    told: Told
    at: Moment
    link: str | None = None
