"""How watches are to end, kept until replicas have it (REDIS_MIN_REPLICAS).

A failover may lose the step that ends a watch, but not what it carries out: the same outcome, with the same deliveries.
So nothing is shown or sent that could change afterwards.
"""

import json
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict

from bridge.domain.times import SECOND, Span
from bridge.store import keys
from bridge.store.calls.connection import Store
from bridge.store.calls.group_commit import GroupCommit
from bridge.store.calls.lua import Call

CARRIED_OUT_BY = "settle"
"""The script whose calls are kept."""
LEFT_OVER_AFTER: Span = 5 * SECOND
"""How long a process may take to carry out what it kept."""
FURTHEST: Span = 60 * SECOND
"""The longest time until what is left over is claimed. If more remains, the clock was set back."""


class KeptEndings:
    """The endings that are kept in Redis."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._keeping = GroupCommit(store, "keep_ending", replicated=True)

    async def keep(self, watch_id: str, call: Call | None) -> Call | None:
        """Keep a call of settle.lua unless one is kept already. Return what is kept, once replicas have it.

        Return None if the watch has ended, or if nothing is kept and no call is given.
        """
        kept = await self._keeping.run(
            Call(
                keys={"watch": keys.watch(watch_id), "kept": keys.kept_ending(watch_id), "endings": keys.KEPT_ENDINGS},
                args={
                    "watch_id": watch_id,
                    "ending": "" if call is None else json.dumps(asdict(call)),
                    "left_over_after": LEFT_OVER_AFTER,
                },
            )
        )
        return None if kept is None else _load(kept) or call

    async def forget(self, watch_id: str) -> None:
        """Delete what is kept: it was carried out."""
        await self._store.call("DEL", keys.kept_ending(watch_id))
        await self._store.call("ZREM", keys.KEPT_ENDINGS, watch_id)

    async def of(self, watch_ids: Sequence[str]) -> frozenset[str]:
        """Return those of the watches that have a kept ending, which is not carried out yet."""
        if not watch_ids or not self._store.min_replicas:
            return frozenset()
        scores = await self._store.call("ZMSCORE", keys.KEPT_ENDINGS, *watch_ids)
        return frozenset(each for each, score in zip(watch_ids, scores, strict=True) if score is not None)

    async def claim_left_over(self, count: int, lease: Span) -> Sequence[str]:
        """Claim watches whose kept ending was not carried out."""
        _now, *watch_ids = await self._store.run(
            "claim_due", {"due": keys.KEPT_ENDINGS}, {"count": count, "lease": lease, "furthest": FURTHEST}
        )
        return list(watch_ids)


def _load(text: str) -> Call | None:
    """Return the call that is kept; None if another version has kept it, whose settle.lua takes other parameters."""
    with suppress(ValueError, TypeError):
        call = Call(**json.loads(text))
        call.positional(CARRIED_OUT_BY)
        return call
    return None
