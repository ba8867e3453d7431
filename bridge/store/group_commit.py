"""Gathering: callers of one script share a round trip, and with it Redis' write to disk.

A caller that comes alone goes at once. Those that come while a trip is under way go together with the next one, so that
nobody waits for company, and the more there are, the less each costs.
"""

import asyncio
from typing import Any

from bridge.store.connection import Store
from bridge.store.lua import Call

LARGEST_TRIP = 100
"""Calls that one trip takes: Redis answers nobody else meanwhile (some 5 ms), and the next trip is soon."""


class GroupCommit:
    """One script, run for whoever asks."""

    def __init__(self, store: Store, script: str) -> None:
        self._store = store
        self._script = script
        self._waiting: list[tuple[Call, asyncio.Future[Any]]] = []
        self._trips: asyncio.Task[None] | None = None

    async def run(self, call: Call) -> Any:
        """Give the script's answer to one call; raises StoreUnavailable, as Store.run does.

        Who stops waiting does not take the call back: it may have been carried out.
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
        except Exception as error:  # noqa: BLE001 - a fault of ours; those who wait raise it
            answers = [error] * len(aboard)
        for (_, waiting), answer in zip(aboard, answers, strict=True):
            if waiting.done():
                continue  # nobody waits any longer
            if isinstance(answer, Exception):
                waiting.set_exception(answer)
            else:
                waiting.set_result(answer)
