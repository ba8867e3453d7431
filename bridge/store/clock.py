"""What is to be done when Redis' clock has been set back: nothing may wait for moments that were near before.

Polls and the budget find that out by themselves (Imports.recall, Budgets.look), since their moments are bounded.
Watches and deliveries may lie far ahead, so that only the latest moment noted tells.
"""

from collections.abc import AsyncIterator

from bridge.domain.times import Span
from bridge.domain.watches import WatchState
from bridge.store import keys
from bridge.store.connection import Store

PAGE = 500


class Clock:
    """The one clock, as far as it may be set back."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def set_back(self) -> Span:
        """Return by how much the clock has been set back since it was last noted, or 0."""
        return int(await self._store.run("note_clock", {"latest": keys.CLOCK}, {"accept": 0}))

    async def accept(self) -> None:
        """Note what time it is, be it earlier than before."""
        await self._store.run("note_clock", {"latest": keys.CLOCK}, {"accept": 1})

    async def recall_watches(self) -> None:
        """Bring back the deadlines of all open watches. Doing it again changes nothing."""
        async for ids in self._pages(keys.watches_in(WatchState.WATCHING)):
            watches = list(map(keys.watch, ids))
            await self._store.run("recall_watches", {"expiring": keys.EXPIRING}, more_keys=watches, more_args=ids)

    async def recall_deliveries(self, lease: Span) -> None:
        """Bring back the attempts of all pending deliveries, and their lanes' paces. Doing it again changes nothing."""
        lanes = set[str]()
        async for ids in self._pages(keys.deliveries_in("pending")):
            deliveries = list(map(keys.delivery, ids))
            lanes.update(
                await self._store.run("recall_deliveries", args={"lease": lease}, more_keys=deliveries, more_args=ids)
            )
        for lane in lanes:
            await self._store.run("recall_lane", args={"lane": lane})

    async def _pages(self, ids: str) -> AsyncIterator[list[str]]:
        """Go through a list of ids, also while it changes."""
        after = "-"
        while page := await self._store.call("ZRANGEBYLEX", ids, after, "+", "LIMIT", 0, PAGE):
            yield page
            after = f"({page[-1]}"
