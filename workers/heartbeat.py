"""The heartbeat of this worker, with its load. It comes from a job, so a worker that runs no jobs sends none."""

from collections.abc import Sequence
from typing import Any

from bridge.domain.heartbeats import Load
from bridge.heartbeat_sender import HeartbeatSender
from bridge.resources import Resources
from workers.shift import Shift


class WorkerHeartbeat:
    """Sends the heartbeats of one worker."""

    def __init__(self, resources: Resources, polls: Sequence[Shift[Any, Any]], deliveries: Shift[Any, Any]) -> None:
        self._sender = HeartbeatSender(resources.store, resources.heartbeats, prefix="wrk_")
        self._polls = polls
        self._deliveries = deliveries

    async def send(self) -> None:
        """Send a heartbeat. Raises StoreUnavailable."""
        await self._sender.send(
            Load(
                polls=sum(each.in_progress for each in self._polls),
                poll_places=sum(each.places for each in self._polls),
                deliveries=self._deliveries.in_progress,
                delivery_places=self._deliveries.places,
            )
        )

    async def withdraw(self) -> None:
        """Remove the worker from the list."""
        await self._sender.withdraw()
