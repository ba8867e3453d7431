"""Batches of watches that are told in digests: while a request adds watches, their digests wait for it."""

from bridge.domain.times import MINUTE, Span
from bridge.ids import new_id
from bridge.store import keys
from bridge.store.calls.connection import Store
from bridge.store.watches.acceptance_call import REPLAYED_FOR

ADDED_WITHIN: Span = MINUTE
"""How long a request may take to add its watches. After that, digests do not wait for it: its process has died."""


class Addition:
    """A request that adds watches to a batch."""

    def __init__(self, store: Store, batch: str, request: str) -> None:
        self._store = store
        self.batch = batch
        self._request = request

    async def end(self) -> None:
        """Let the digests no longer wait for this request. Raises StoreUnavailable."""
        await self._store.run("end_batch_request", {}, {"batch": self.batch, "request": self._request})


class Batches:
    """The batches in Redis."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def begin(self, client: str, key_fingerprint: str | None) -> Addition:
        """Begin a request. One with the same Idempotency-Key, as a fingerprint, adds to the same batch.

        Raises StoreUnavailable.
        """
        request = new_id("bat_")
        batch = await self._store.run(
            "begin_batch_request",
            {"batch_of_key": keys.batch_of_key(client, key_fingerprint or "")},
            {
                "id": request,
                "added_within": ADDED_WITHIN,
                "key_kept_for": 0 if key_fingerprint is None else REPLAYED_FOR,
            },
        )
        return Addition(self._store, str(batch), request)
