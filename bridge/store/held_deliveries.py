"""Held deliveries: those of rules wait for a moment, because an explicit watch of the same import takes precedence."""

from collections.abc import Sequence

from bridge.domain.times import Moment, Span
from bridge.store import keys
from bridge.store.connection import Store


class HeldDeliveries:
    """The held deliveries in Redis."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def claim(self, count: int, lease: Span) -> tuple[Moment, Moment | None, Sequence[str]]:
        """Claim those about which it must be decided. Return (now, time of the next claim, ids).

        One that is neither released nor skipped is due again after `lease`.
        """
        now, *ids = await self._store.run(
            "claim_due", {"due": keys.HELD}, {"count": count, "lease": lease, "furthest": ""}
        )
        first = await self._store.call("ZRANGE", keys.HELD, 0, 0, "WITHSCORES")
        return now, int(first[1]) if first else None, ids

    async def release(self, delivery_id: str) -> bool:
        """Move a delivery into its lane. Return False if it was released or skipped already."""
        released = await self._store.run("release_held", {"delivery": keys.delivery(delivery_id)}, {"id": delivery_id})
        return bool(released)

    async def skip(self, delivery_id: str, watch_id: str, *, explicit_id: str, reason: str) -> bool:
        """Skip a delivery for that of an explicit watch; return False if that one is neither pending nor delivered.

        If that one is abandoned later, the skipped one is pending again.
        """
        skipped = await self._store.run(
            "skip_held",
            {
                "delivery": keys.delivery(delivery_id),
                "explicit": keys.delivery(explicit_id),
                "watch": keys.watch(watch_id),
                "ended": keys.ENDED,
            },
            {"id": delivery_id, "watch_id": watch_id, "explicit_id": explicit_id, "reason": reason},
        )
        return bool(skipped)

    async def postpone(self, delivery_id: str, until: Moment) -> None:
        """Decide about a delivery later, if it is still held."""
        await self._store.call("ZADD", keys.HELD, "XX", until, delivery_id)
