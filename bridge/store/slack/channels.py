"""The watches that were made in Slack, by channel: an index for lists in that channel.

An entry is written before its watch, and may outlive it: the reader looks at the watch itself.
"""

from collections.abc import Sequence

from bridge.domain.times import Span
from bridge.domain.watches import LONGEST_WATCH
from bridge.redis.errors import translated
from bridge.store import keys
from bridge.store.calls.connection import Store


class SlackChannels:
    """The index in Redis."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def add(self, channel: str, watch_id: str, expires_in: Span) -> None:
        """Add a watch that will expire, and remove those that have. The index of a quiet channel expires by itself."""
        key, now = keys.slack_channel(channel), await self._store.now()
        async with translated(), self._store.redis.pipeline(transaction=True) as pipe:
            pipe.zadd(key, {watch_id: now + expires_in})
            pipe.zremrangebyscore(key, "-inf", now)
            pipe.pexpire(key, LONGEST_WATCH)
            await pipe.execute()

    async def watches(self, channel: str, limit: int) -> list[str]:
        """Return the watches of a channel that expire last."""
        found: list[str] = await self._store.call("ZREVRANGE", keys.slack_channel(channel), 0, limit - 1)
        return found

    async def remove(self, channel: str, watch_ids: Sequence[str]) -> None:
        if watch_ids:
            await self._store.call("ZREM", keys.slack_channel(channel), *watch_ids)
