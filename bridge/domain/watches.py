"""Watches: a client's request to be notified how one import ends; and what is known of an import."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from http import HTTPStatus
from typing import Any

from bridge.domain.absences import AbsenceStreak
from bridge.domain.destinations import Destination
from bridge.domain.imports import PollAnswer, Reading
from bridge.domain.outcomes import Outcome
from bridge.domain.times import DAY, Moment, Span

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
