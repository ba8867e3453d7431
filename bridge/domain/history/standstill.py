"""Whether the bridge can work at all: a worker is alive, and Redis takes its writes."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from bridge.domain.history.wait_reasons import WaitingFor, WaitReason
from bridge.domain.times import Moment


class RefusedWrites(StrEnum):
    """Why Redis refuses writes."""

    FULL = "full"
    REPLICAS = "replicas"
    """Fewer replicas are connected than its `min-replicas-to-write`."""


_REFUSED: Mapping[RefusedWrites, tuple[WaitReason, str]] = {
    RefusedWrites.FULL: (WaitReason.REDIS_FULL, "Redis is full"),
    RefusedWrites.REPLICAS: (WaitReason.REPLICAS, "Redis refuses writes while too few of its replicas are connected"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """Whether workers are alive, when the last one was seen (None: none within the last hour), and refused writes."""

    workers_alive: bool
    worker_seen_at: Moment | None = None
    refused_writes: RefusedWrites | None = None


def standstill(service: Service) -> WaitingFor | None:
    """Return what everything waits for; None if the bridge can work.

    Refused writes come first: workers can then store no heartbeat either.
    """
    if service.refused_writes is not None:
        reason, words = _REFUSED[service.refused_writes]
        return _wait(reason, None, words)
    if not service.workers_alive:
        return _wait(WaitReason.NO_WORKER, service.worker_seen_at, "no worker is alive")
    return None


def waiting_for_replicas(since: Moment | None, required: int) -> WaitingFor:
    """Return what a watch waits for whose outcome is decided, but not confirmed by the required number of replicas."""
    who = "a replica" if required == 1 else f"{required} replicas"
    verb = "has" if required == 1 else "have"
    detail = f"the outcome is decided; it is shown and sent once {who} of Redis {verb} confirmed it"
    return WaitingFor(reason=WaitReason.REPLICAS, since=since, until=None, detail=detail)


def _wait(reason: WaitReason, since: Moment | None, words: str) -> WaitingFor:
    detail = f"{words}, so nothing is polled and nothing is sent"
    return WaitingFor(reason=reason, since=since, until=None, detail=detail)
