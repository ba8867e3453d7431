"""The rate limit of each client: calls per minute, counted in Redis for all processes together.

A process reserves a share of the limit at once, so that most calls need no round trip. An unused rest expires with the
minute.
"""

import asyncio
from collections import defaultdict
from dataclasses import dataclass, field
from time import monotonic

from bridge.domain.times import SECOND, Span
from bridge.errors import StoreFull
from bridge.store import keys
from bridge.store.connection import Store

SHARES = 30
"""A share is this fraction of the limit; a client may miss one share per process and minute."""


@dataclass(slots=True)
class _Share:
    calls: int = 0
    until: float = 0.0
    """The end of the minute, by the monotonic clock."""
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)


class RateLimiter:
    """The shares of this process, and the counters in Redis."""

    def __init__(self, store: Store, *, limit: int) -> None:
        """Allow `limit` calls per client and minute."""
        self._store = store
        self._limit = limit
        self._shares: defaultdict[str, _Share] = defaultdict(_Share)

    async def acquire(self, client: str, count: int = 1) -> Span:
        """Count `count` calls, all or none. Return 0, or the ms until the next minute. Raises StoreUnavailable."""
        share = self._shares[client]
        async with share.lock:
            now = monotonic()
            if now >= share.until:
                share.calls = 0
            if share.calls < count:
                needed = count - share.calls
                wanted = max(needed, self._limit // SHARES)
                try:
                    reserved, rest = await self._store.run(
                        "reserve_calls",
                        {"calls": keys.client_calls(client)},
                        {"limit": self._limit, "wanted": wanted, "needed": needed},
                    )
                except StoreFull:
                    return 0  # reads must go on; writes are rejected by their own step
                if not reserved:
                    return int(rest)
                share.calls += reserved
                share.until = now + rest / SECOND
            share.calls -= count
            return 0
