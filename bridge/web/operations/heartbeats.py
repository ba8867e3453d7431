"""The heartbeats of this process of the API."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from bridge.domain.heartbeats import PERIOD
from bridge.domain.times import SECOND
from bridge.errors import StoreUnavailable
from bridge.heartbeat_sender import HeartbeatSender
from bridge.resources import Resources


@asynccontextmanager
async def sending_heartbeats(resources: Resources) -> AsyncIterator[None]:
    """Send a heartbeat now, and one each period; remove the process from the list at the end."""
    sender = HeartbeatSender(resources.store, resources.api_heartbeats, prefix="api_")
    await _send(sender)
    task = asyncio.create_task(_keep_sending(sender))
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        await sender.withdraw()


async def _keep_sending(sender: HeartbeatSender) -> None:
    while True:
        await asyncio.sleep(PERIOD / SECOND)
        await _send(sender)


async def _send(sender: HeartbeatSender) -> None:
    with suppress(StoreUnavailable):  # the store has logged it
        await sender.send()
