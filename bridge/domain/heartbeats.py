"""Heartbeats: the sign of life of each worker."""

from dataclasses import dataclass

from bridge.domain.times import HOUR, SECOND, Moment, Span

PERIOD: Span = 5 * SECOND
"""The time between two heartbeats."""
ALIVE_FOR: Span = 20 * SECOND
"""How long a worker counts as alive after its last heartbeat."""
REMEMBERED_FOR: Span = HOUR
"""How long a worker that ended without saying so is still listed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerInfo:
    """What a worker says of itself: an id for this run, its host, its version, and when it started.

    `layout` is the layout of the data that it writes; 0 if it does not say.
    """

    id: str
    host: str
    version: str
    started_at: Moment
    layout: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Heartbeat:
    """A worker and the time of its last heartbeat."""

    worker: WorkerInfo
    at: Moment

    def is_alive(self, now: Moment) -> bool:
        return abs(now - self.at) < ALIVE_FOR  # Redis' clock may have been set back
