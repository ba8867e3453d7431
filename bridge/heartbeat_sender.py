"""The sender of the heartbeats of this process."""

import platform
from contextlib import suppress

from bridge.domain.heartbeats import Load, ProcessInfo
from bridge.errors import StoreUnavailable
from bridge.ids import new_id
from bridge.store.calls.connection import Store
from bridge.store.layout import LAYOUT
from bridge.store.operations.heartbeats import Heartbeats
from bridge.version import VERSION


class HeartbeatSender:
    """Sends the heartbeats of this process, under an id of this run."""

    def __init__(self, store: Store, heartbeats: Heartbeats, *, prefix: str) -> None:
        """`prefix` begins the id."""
        self._store = store
        self._heartbeats = heartbeats
        self._id = new_id(prefix)
        self._info: ProcessInfo | None = None

    async def send(self, load: Load | None = None) -> None:
        """Send a heartbeat. Raises StoreUnavailable."""
        if self._info is None:
            started_at = await self._store.now()
            self._info = ProcessInfo(
                id=self._id, host=platform.node(), version=VERSION, started_at=started_at, layout=LAYOUT
            )
        await self._heartbeats.send(self._info, load)

    async def withdraw(self) -> None:
        """Remove the process from the list. If Redis is unavailable, it is listed as missing for a while."""
        if self._info is not None:
            with suppress(StoreUnavailable):
                await self._heartbeats.withdraw(self._info)
