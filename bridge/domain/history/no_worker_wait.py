"""The wait for a worker: without one, nothing is polled and nothing is sent."""

from dataclasses import dataclass

from bridge.domain.history.wait_reasons import WaitingFor, WaitReason
from bridge.domain.times import Moment


@dataclass(frozen=True, slots=True, kw_only=True)
class Workers:
    """Whether workers are alive, and when the last one was seen (None: none within the last hour)."""

    alive: bool
    seen_at: Moment | None = None


def no_worker(workers: Workers) -> WaitingFor:
    """Return the wait for the next worker, since the last one was seen."""
    detail = "no worker is alive, so nothing is polled and nothing is sent"
    return WaitingFor(reason=WaitReason.NO_WORKER, since=workers.seen_at, until=None, detail=detail)
