"""The heartbeat of this worker."""

import socket
from contextlib import suppress

from bridge.domain.heartbeats import WorkerInfo
from bridge.errors import StoreUnavailable
from bridge.ids import new_id
from bridge.resources import Resources
from bridge.store.keys import SCHEMA
from bridge.version import VERSION


class HeartbeatSender:
    """Sends the heartbeats of one worker. They come from a job, so a worker that runs no jobs sends none."""

    def __init__(self, resources: Resources) -> None:
        self._resources = resources
        self._id = new_id("wrk_")
        self._info: WorkerInfo | None = None

    async def send(self) -> None:
        """Send a heartbeat. Raises StoreUnavailable."""
        if self._info is None:
            started_at = await self._resources.store.now()
            self._info = WorkerInfo(
                id=self._id, host=socket.gethostname(), version=VERSION, started_at=started_at, layout=SCHEMA
            )
        await self._resources.heartbeats.send(self._info)

    async def withdraw(self) -> None:
        """Remove the worker from the list. If Redis is unavailable, it is listed as missing for a while."""
        if self._info is not None:
            with suppress(StoreUnavailable):
                await self._resources.heartbeats.withdraw(self._info)
