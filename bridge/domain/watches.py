"""Watches: a client's request to be notified how one import ends."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from bridge.domain.destinations import Destination
from bridge.domain.imports import Reading
from bridge.domain.outcomes import Outcome
from bridge.domain.polling.last_poll import LastPoll
from bridge.domain.rules.pushes import QueuedPush
from bridge.domain.times import DAY, Moment, Span

LONGEST_WATCH: Span = 30 * DAY
"""The longest time until a watch expires."""


class WatchState(StrEnum):
    """The state of a watch: `watching` until it has ended, then one of the others."""

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
    nudge_after: Span | None = None
    """After how long Slack is told that the import still runs; None if it is not."""
    traceparent: str | None = None
    """The trace that its request began, if there were traces."""
    push: QueuedPush | None = None
    """The push for which a rule made the watch."""
    reading: Reading | None = None
    """The reading that settled the watch. While the watch is open, the API shows the latest reading of the import."""
    deliveries: tuple[str, ...] = ()
    polls: int = 0
    polled_at: Moment | None = None
    """The number of polls of the import, and the time of the last one, when the watch was settled."""
    last_poll: LastPoll | None = None
    """What the last poll of the import found, when the watch was settled."""
