"""Permits: how often a client may still call in this minute, counted across all processes.

Each process takes a few at once, so that a call costs no trip to Redis; what it does not use is lost with the minute.
"""

import asyncio
from collections import defaultdict
from dataclasses import dataclass
from time import monotonic

from bridge.domain.times import SECOND, Span
from bridge.errors import StoreFull
from bridge.store import keys
from bridge.store.connection import Store

AT_ONCE = 30
"""A process takes one part in so many of the limit at once: that is how far it may be off, for each process."""


@dataclass(slots=True)
class _Left:
    permits: int
    until: float


class RateLimiter:
    """The permits of this process, and Redis' count behind them."""

    def __init__(self, store: Store, *, limit: int) -> None:
        """Take how many calls a client may make in a minute."""
        self._store = store
        self._limit = limit
        self._left: dict[str, _Left] = {}
        self._asking: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def take(self, client: str, count: int = 1) -> Span:
        """Take so many, or none of them: 0, or for how many ms there are too few. Raises StoreUnavailable."""
        if self._take_own(client, count):
            return 0
        async with self._asking[client]:  # many at once must not each take a share for themselves
            return 0 if self._take_own(client, count) else await self._fetch(client, count)

    def _take_own(self, client: str, count: int) -> bool:
        left = self._left.get(client)
        if left is None or left.permits < count or monotonic() >= left.until:
            return False
        left.permits -= count
        return True

    async def _fetch(self, client: str, count: int) -> Span:
        asked = monotonic()
        left = self._left.setdefault(client, _Left(permits=0, until=0.0))
        own = left.permits if asked < left.until else 0
        needed = count - own
        left.permits = 0  # they are spoken for, while others go on asking
        fetched = 0
        try:
            wished = max(needed, self._limit // AT_ONCE)
            fetched, rest = await self._store.run(
                "take_permits",
                {"permits": keys.permits(client)},
                {"limit": self._limit, "wished": wished, "needed": needed},
            )
        except StoreFull:
            return 0  # nothing can be counted, and reading must go on; what would write is refused by its own step
        finally:
            if not fetched:
                left.permits = own
        if not fetched:
            return int(rest)
        self._left[client] = _Left(permits=fetched - needed, until=asked + rest / SECOND)
        return 0
