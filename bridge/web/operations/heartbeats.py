"""The heartbeats of this process of the API."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from bridge.domain.heartbeats import PERIOD
from bridge.domain.times import SECOND
from bridge.errors import StoreUnavailable
from bridge.heartbeat_sender import HeartbeatSender
from bridge.resources import Resources

PATIENCE = 1.0


@asynccontextmanager
async def sending_heartbeats(resources: Resources, *, patience: float = PATIENCE) -> AsyncIterator[None]:
    """Send a heartbeat now, and one each period; remove the process from the list at the end.

    A Redis that does not answer within `patience` seconds does not delay the end further; the process is then listed
    as missing for a while.
    """
    sender = HeartbeatSender(resources.store, resources.api_heartbeats, prefix="api_")
    await _send(sender)
    task = asyncio.create_task(_keep_sending(sender))
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        with suppress(TimeoutError):
            await asyncio.wait_for(sender.withdraw(), patience)


async def _keep_sending(sender: HeartbeatSender) -> None:
    while True:
        await asyncio.sleep(PERIOD / SECOND)
        await _send(sender)


async def _send(sender: HeartbeatSender) -> None:
    with suppress(StoreUnavailable):  # the store has logged it
        await sender.send()
