"""The checks of watches that decide about nudges, messages that an import runs for long: their times and results."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from bridge.domain.nudges import NudgeKind, NudgeState
from bridge.domain.times import DAY, Moment, Span
from bridge.domain.watches import LONGEST_WATCH, Watch
from bridge.store import bindings, codec, keys
from bridge.store.calls.connection import Store
from bridge.store.encryption import Encryptor

FURTHEST: Span = LONGEST_WATCH + DAY
"""No check is due later. One that seems to be was planned before the clock was set back."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredNudgeState:
    """What the checks of a watch have seen, and how it is stored, to recognize a change meanwhile."""

    state: NudgeState
    stored: str = field(repr=False)


class Nudges:
    """Which watches are checked next and when, and what each check has seen of its import."""

    def __init__(self, store: Store, encryptor: Encryptor) -> None:
        self._store = store
        self._encryptor = encryptor

    async def claim(self, count: int, lease: Span) -> tuple[Moment, Moment | None, Sequence[str]]:
        """Claim watches that are due for a check. Return (now, time of the next claim, ids)."""
        now, *ids = await self._store.run(
            "claim_due", {"due": keys.NUDGES_DUE}, {"count": count, "lease": lease, "furthest": FURTHEST}
        )
        first = await self._store.call("ZRANGE", keys.NUDGES_DUE, 0, 0, "WITHSCORES")
        return now, int(first[1]) if first else None, ids

    async def forget(self, watch_id: str) -> None:
        """Remove a watch from those that are checked."""
        await self._store.call("ZREM", keys.NUDGES_DUE, watch_id)

    async def postpone(self, watch_id: str, until: Moment) -> None:
        """Move the next check of a watch to a later time, if it is still checked."""
        await self._store.call("ZADD", keys.NUDGES_DUE, "XX", until, watch_id)

    async def state(self, watch: Watch) -> StoredNudgeState:
        """Return what the checks of a watch have seen so far. Raises DecryptionFailed."""
        stored = await self._store.call("HGET", keys.watch(watch.id), "nudge_state") or ""
        if not stored:
            return StoredNudgeState(state=NudgeState(), stored=stored)
        values = codec.load(self._encryptor.decrypt(stored, bindings.of_nudge_state(watch.id, watch.client)))
        sent = frozenset(map(NudgeKind, values.pop("sent")))
        return StoredNudgeState(state=NudgeState(**values, sent=sent), stored=stored)

    async def note(self, watch: Watch, before: StoredNudgeState, after: NudgeState, again_at: Moment | None) -> bool:
        """Store the result of a check. Return False if the watch has ended, or another check was faster."""
        values = {
            "people": after.people,
            "since": after.since,
            "has_risen": after.has_risen,
            "sent": sorted(after.sent),
        }
        encrypted = self._encryptor.encrypt(codec.dump(values), bindings.of_nudge_state(watch.id, watch.client))
        noted = await self._store.run(
            "note_nudge_check",
            {"watch": keys.watch(watch.id), "nudges_due": keys.NUDGES_DUE},
            {
                "watch_id": watch.id,
                "before": before.stored,
                "nudge_state": encrypted,
                "again_at": 0 if again_at is None else again_at,
            },
        )
        return bool(noted)
