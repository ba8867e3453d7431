"""Lanes of deliveries: reserved for a test message, marked as doubtful, paused."""

from bridge.domain.times import Span
from bridge.store.connection import Store


class Lanes:
    """The lanes in Redis."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def reserve(self, lane: str) -> Span:
        """Check that a lane may take a test message now. Return 0 if so, else the ms after which to try again.

        If so, a Slack lane is paused as after a delivery. A callback's lane only has its limit checked.
        """
        return int(await self._store.run("reserve_lane", args={"lane": lane}))

    async def mark_doubtful(self, lane: str) -> None:
        """Mark a lane as doubtful, because its receiver is slow to answer; a good answer ends that."""
        await self._store.run("mark_lane_doubtful", args={"lane": lane})

    async def pause(self, lane: str, span: Span) -> None:
        """Pause a lane for `span`."""
        await self._store.run("pause_lane", args={"lane": lane, "span": span})
