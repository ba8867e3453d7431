"""Repairs after Redis' clock was set back: nothing may wait longer than it would have before.

Polls and budgets detect it by themselves (Imports.move_back, Budgets.read), since their times are bounded.
Watches and deliveries may lie far ahead, so this needs the latest time stored.
"""

from collections.abc import AsyncIterator

from bridge.domain.times import Span
from bridge.domain.watches import WatchState
from bridge.store import keys
from bridge.store.calls.connection import Store

PAGE = 500


class Clock:
    """Redis' clock, which may be set back."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def set_back(self) -> Span:
        """Return the ms by which the clock was set back since it was last stored, or 0."""
        return int(await self._store.run("check_clock", {"latest": keys.CLOCK}, {"accept": 0}))

    async def accept(self) -> None:
        """Store the current time, even if it is earlier than the stored one."""
        await self._store.run("check_clock", {"latest": keys.CLOCK}, {"accept": 1})

    async def move_back_watches(self) -> None:
        """Move back creation, grace and expiry of open watches that would be created in the future. Idempotent."""
        async for ids in self._pages(keys.watches_in(WatchState.WATCHING)):
            watches = list(map(keys.watch, ids))
            await self._store.run("move_back_watches", {"expiring": keys.EXPIRING}, more_keys=watches, more_args=ids)

    async def move_back_deliveries(self, lease: Span) -> None:
        """Move back the attempts of all pending deliveries, and their lanes' pauses. Idempotent."""
        lanes = set[str]()
        async for ids in self._pages(keys.deliveries_in("pending")):
            deliveries = list(map(keys.delivery, ids))
            lanes |= set(
                await self._store.run(
                    "move_back_deliveries", args={"lease": lease}, more_keys=deliveries, more_args=ids
                )
            )
        for lane in lanes:
            await self._store.run("move_back_lane", args={"lane": lane})

    async def _pages(self, ids: str) -> AsyncIterator[list[str]]:
        """Yield the ids of an index in pages, also while it changes."""
        after = "-"
        while page := await self._store.call("ZRANGEBYLEX", ids, after, "+", "LIMIT", 0, PAGE):
            yield page
            after = f"({page[-1]}"
