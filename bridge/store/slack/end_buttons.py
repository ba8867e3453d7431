"""The button "Send again" of messages about ends: which watches must be looked at, and what the messages show."""

from collections.abc import Sequence

from bridge.domain.times import DAY, Moment, Span
from bridge.store import keys
from bridge.store.calls.connection import Store
from bridge.store.slack.living_messages import EDIT_SPACING

FURTHEST: Span = DAY
"""No look is due later. One that seems to be was planned before the clock was set back."""


class EndButtons:
    """When the buttons of a watch's messages are looked at next, and which button each message has."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def claim(self, count: int, lease: Span) -> tuple[Moment, Moment | None, Sequence[str]]:
        """Claim watches some of whose deliveries have changed. Return (now, time of the next claim, ids)."""
        now, *ids = await self._store.run(
            "claim_due", {"due": keys.END_BUTTONS}, {"count": count, "lease": lease, "furthest": FURTHEST}
        )
        first = await self._store.call("ZRANGE", keys.END_BUTTONS, 0, 0, "WITHSCORES")
        return now, int(first[1]) if first else None, ids

    async def end(self, watch_id: str, leased_until: Moment, again_at: Moment | None) -> None:
        """End a claim, and look again at `again_at`, or at once if something has changed meanwhile."""
        await self._store.run(
            "end_button_look",
            {"due": keys.END_BUTTONS},
            {"watch_id": watch_id, "leased_until": leased_until, "again_at": again_at or 0},
        )

    async def edit_wait(self) -> Span:
        """Return the ms until an edit of a message may be reserved; 0 for now."""
        return int(await self._store.run("reserve_edit", args={"spacing": 0}))

    async def reserve_edit(self) -> Span:
        """Reserve an edit of a message. Return 0, or the ms to wait."""
        return int(await self._store.run("reserve_edit", args={"spacing": EDIT_SPACING}))

    async def note(self, delivery_id: str, *, button: str, failures: int = 0) -> None:
        """Store which button the message of a delivery has, and how often in a row its edit has failed."""
        await self._store.run(
            "note_button",
            {"delivery": keys.delivery(delivery_id)},
            {"button": button, "button_failures": failures},
        )
