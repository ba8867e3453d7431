"""The rate limit of the API: each client's calls in a minute, counted in Redis for all processes together.

Rally's own rate limit is the budget of a workspace: `bridge.domain.polling.budget`.
"""

from bridge.domain.times import Span
from bridge.errors import WritesRefused
from bridge.store import keys
from bridge.store.calls.connection import Store
from bridge.store.calls.group_commit import GroupCommit
from bridge.store.calls.lua import Call


class RateLimiter:
    """Counts the calls of clients, and refuses those over the limit."""

    def __init__(self, store: Store, *, limit: int) -> None:
        """Allow `limit` calls per client and minute."""
        self._limit = limit
        self._counts = GroupCommit(store, "count_calls")

    async def acquire(self, client: str, count: int = 1) -> Span:
        """Count `count` calls of a client and return 0; if they are too many, return the ms until the next minute.

        Raises StoreUnavailable.
        """
        call = Call(keys={"calls": keys.client_calls(client)}, args={"limit": self._limit, "count": count})
        try:
            return int(await self._counts.run(call))
        except WritesRefused:
            return 0  # reads must go on; writes are rejected by their own step
