"""Group commit: concurrent calls of one script share a round trip, and with it Redis' write to disk.

A single call is sent at once. Calls that arrive during a round trip are sent together with the next one. No call waits
for others to arrive, and the cost of each falls with their number.
"""

import asyncio
from typing import Any

from bridge.store.calls.connection import Store
from bridge.store.calls.lua import Call

LARGEST_BATCH = 100
"""The largest number of calls in one round trip, which blocks Redis for about 5 ms."""


class GroupCommit:
    """Runs one script for concurrent callers, whose calls share round trips."""

    def __init__(self, store: Store, script: str, *, replicated: bool = False) -> None:
        """`replicated`: a reply counts only once the replicas that the store requires have what it rests on."""
        self._store = store
        self._script = script
        self._replicated = replicated
        self._waiting: list[tuple[Call, asyncio.Future[Any]]] = []
        self._sending: asyncio.Task[None] | None = None

    async def run(self, call: Call) -> Any:
        """Return the script's reply to one call. Raises StoreUnavailable, as Store.run does.

        Cancelling does not undo the call: it may have been executed.
        """
        reply: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._waiting.append((call, reply))
        if self._sending is None:
            self._sending = asyncio.create_task(self._send_all())
        return await reply

    async def _send_all(self) -> None:
        """Send batch after batch until no call is waiting."""
        try:
            while self._waiting:
                batch, self._waiting = self._waiting[:LARGEST_BATCH], self._waiting[LARGEST_BATCH:]
                await self._send(batch)
        finally:
            self._sending = None

    async def _send(self, batch: list[tuple[Call, asyncio.Future[Any]]]) -> None:
        try:
            values = await self._store.run_each(self._script, [call for call, _ in batch], replicated=self._replicated)
        except Exception as error:  # noqa: BLE001 - a bug; the callers raise it
            values = [error] * len(batch)
        for (_, reply), value in zip(batch, values, strict=True):
            if reply.done():
                continue  # the caller was cancelled
            if isinstance(value, Exception):
                reply.set_exception(value)
            else:
                reply.set_result(value)
