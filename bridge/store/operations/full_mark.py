"""The mark by which one process tells the operator that Redis is full, and one that it is not full any more."""

from bridge.store import keys
from bridge.store.calls.connection import Store


class FullMark:
    """The mark in Redis. Taking it deletes a key, which a full Redis still permits."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def take(self) -> bool:
        """Take the mark when Redis is full. Return True for one process of all."""
        return bool(await self._store.call("DEL", keys.FULL_NOT_TOLD))

    async def put_back(self) -> bool:
        """Put the mark back when Redis accepts writes. Return True for one process, if somebody had taken it."""
        if await self._store.call("EXISTS", keys.FULL_NOT_TOLD):
            return False
        if not await self._store.call("SET", keys.FULL_NOT_TOLD, 1, "NX"):
            return False
        return not await self._store.call("SET", keys.FULL_KNOWN, 1, "NX")
