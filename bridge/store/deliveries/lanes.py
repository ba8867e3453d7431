"""Lanes of deliveries: reserved for a test message, marked as doubtful, paused."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bridge.domain.times import Moment, Span
from bridge.redis.errors import translated
from bridge.store import keys
from bridge.store.calls.connection import Store


@dataclass(frozen=True, slots=True, kw_only=True)
class LaneState:
    """How many deliveries wait in a lane, whether its last attempt failed, and the end of its pause, if it has one."""

    waiting: int
    failing: bool
    paused_until: Moment | None


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

    async def paused_until(self, lanes: Sequence[str]) -> Mapping[str, Moment]:
        """Return the ends of the pauses of those of the lanes that are paused."""
        if not lanes:
            return {}
        async with translated(), self._store.redis.pipeline(transaction=False) as pipe:
            for lane in lanes:
                pipe.get(keys.lane_pause(lane))
            found = await pipe.execute()
        return {lane: int(text.split(" ")[0]) for lane, text in zip(lanes, found, strict=True) if text}

    async def states(self, lanes: Sequence[str]) -> list[LaneState]:
        """Return the state of each lane."""
        if not lanes:
            return []
        async with translated(), self._store.redis.pipeline(transaction=False) as pipe:
            for lane in lanes:
                pipe.zcard(keys.lane(lane))
                pipe.get(keys.lane_last(lane))
            found = await pipe.execute()
        pauses = await self.paused_until(lanes)
        return [
            LaneState(waiting=waiting, failing=last == "failing", paused_until=pauses.get(lane))
            for lane, waiting, last in zip(lanes, found[::2], found[1::2], strict=True)
        ]
