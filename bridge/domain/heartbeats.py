"""Heartbeats: the sign of life of each process, worker or API."""

from dataclasses import dataclass

from bridge.domain.times import HOUR, SECOND, Moment, Span

PERIOD: Span = 5 * SECOND
"""The time between two heartbeats."""
ALIVE_FOR: Span = 20 * SECOND
"""How long a process counts as alive after its last heartbeat."""
REMEMBERED_FOR: Span = HOUR
"""How long a process that ended without saying so is still listed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessInfo:
    """What a process says of itself: an id for this run, its host, its version, and when it started.

    `layout` is the layout of the data that it writes; 0 if it does not say.
    """

    id: str
    host: str
    version: str
    started_at: Moment
    layout: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """What a worker does at one moment, and how much of it it may do at once."""

    polls: int
    """The imports that it polls, or has claimed to poll next."""
    poll_places: int
    deliveries: int
    """The messages that it sends."""
    delivery_places: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Heartbeat:
    """A process and the time of its last heartbeat; of a worker also its load then, unless it does not say it."""

    process: ProcessInfo
    at: Moment
    load: Load | None = None

    def is_alive(self, now: Moment) -> bool:
        return abs(now - self.at) < ALIVE_FOR  # Redis' clock may have been set back
