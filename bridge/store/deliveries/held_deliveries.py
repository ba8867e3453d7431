"""Held deliveries: those of rules wait for a moment, because an explicit watch of the same import takes precedence."""

from collections.abc import Sequence
from enum import StrEnum

from bridge.domain.delivery.deliveries import Delivery
from bridge.domain.digests import OfFlood, OfRule
from bridge.domain.notices.rule_notices import CALLBACK_WINDOW, CALLBACKS_IN_A_WINDOW
from bridge.domain.rules.floods import FLOOD_DIGEST_AFTER, FLOOD_WINDOW, SINGLE_MESSAGES
from bridge.domain.times import Moment, Span
from bridge.store import keys
from bridge.store.calls.connection import Store
from bridge.store.deliveries.digests import DigestName


class Released(StrEnum):
    """What became of a held delivery that was to be released."""

    RELEASED = "released"
    """It is in its lane."""
    FLOODING = "flooding"
    """It is in its lane, which gets so many callbacks of rules that the operator has to know."""
    GATHERED = "gathered"
    """It waits for a digest."""
    GONE = "gone"
    """It was not held any more."""


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

    async def release(self, delivery: Delivery, *, rule: str = "", digest_due: Moment | None = None) -> Released:
        """Move a delivery into its lane, or into a digest.

        With `digest_due`, the time of the next digest of `rule`, a message to Slack waits for that. Otherwise the flood
        guard decides.
        """
        name = str(DigestName(OfFlood() if digest_due is None else OfRule(rule), delivery.lane))
        released = await self._store.run(
            "release_held",
            {
                "delivery": keys.delivery(delivery.id),
                "digest": keys.digest(name),
            },
            {
                "id": delivery.id,
                "name": name,
                "digest_due": "" if digest_due is None else digest_due,
                "singles": SINGLE_MESSAGES,
                "singles_span": FLOOD_WINDOW,
                "flood_digest_after": FLOOD_DIGEST_AFTER,
                "calls": CALLBACKS_IN_A_WINDOW,
                "calls_span": CALLBACK_WINDOW,
            },
        )
        return Released(released)

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

    async def forget(self, delivery_id: str) -> None:
        """Remove a delivery whose record is gone."""
        await self._store.call("ZREM", keys.HELD, delivery_id)

    async def postpone(self, delivery_id: str, until: Moment) -> None:
        """Decide about a delivery later, if it is still held."""
        await self._store.call("ZADD", keys.HELD, "XX", until, delivery_id)
