"""Group commit: concurrent calls of one script share a round trip, and with it Redis' write to disk.

A single call is sent at once. Calls that arrive during a round trip are sent together with the next one. No call waits
for others to arrive, and the cost of each falls with their number.
"""

import asyncio
from typing import Any

from bridge.store.connection import Store
from bridge.store.lua import Call

LARGEST_TRIP = 100
"""The largest number of calls in one round trip, which blocks Redis for about 5 ms."""


class GroupCommit:
    """Runs one script for concurrent callers."""

    def __init__(self, store: Store, script: str) -> None:
        self._store = store
        self._script = script
        self._waiting: list[tuple[Call, asyncio.Future[Any]]] = []
        self._trips: asyncio.Task[None] | None = None

    async def run(self, call: Call) -> Any:
        """Return the script's reply to one call. Raises StoreUnavailable, as Store.run does.

        Cancelling does not undo the call: it may have been executed.
        """
        answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._waiting.append((call, answer))
        if self._trips is None:
            self._trips = asyncio.create_task(self._travel())
        return await answer

    async def _travel(self) -> None:
        try:
            while self._waiting:
                aboard, self._waiting = self._waiting[:LARGEST_TRIP], self._waiting[LARGEST_TRIP:]
                await self._take(aboard)
        finally:
            self._trips = None

    async def _take(self, aboard: list[tuple[Call, asyncio.Future[Any]]]) -> None:
        try:
            answers = await self._store.run_each(self._script, [call for call, _ in aboard])
        except Exception as error:  # noqa: BLE001 - a bug; the callers raise it
            answers = [error] * len(aboard)
        for (_, waiting), answer in zip(aboard, answers, strict=True):
            if waiting.done():
                continue  # the caller was cancelled
            if isinstance(answer, Exception):
                waiting.set_exception(answer)
            else:
                waiting.set_result(answer)
