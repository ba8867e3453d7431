"""Watches: stored when accepted, read, and deleted. `endings.py` ends them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

from bridge.domain.times import Moment, Span
from bridge.domain.watches import Watch
from bridge.redis.errors import translated
from bridge.store import codec, keys
from bridge.store.calls.connection import Store
from bridge.store.calls.group_commit import GroupCommit
from bridge.store.encryption import Encryptor, Fingerprinter
from bridge.store.imports.record_sets import RecordSets
from bridge.store.watches.acceptance_call import (
    REPLAYED_FOR,
    Acceptance,
    AcceptedWatch,
    IdempotencyKey,
    NewWatch,
    OverLimit,
    acceptance_call,
    read_reply,
)
from bridge.store.watches.labels import label_fingerprint

RECORDS_AT_ONCE = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchIndexEntry:
    """The plain fields of a watch: enough to end and delete it even if it cannot be decrypted."""

    client: str
    workspace: str
    import_id: str
    expires_at: Moment
    index: str
    """The index that the watch is in: `watching`, `cancelled`, or the outcome."""
    deliveries: tuple[str, ...]
    record_set_id: str | None = None
    """The record set of its last reading."""


class Watches:
    """The watches in Redis."""

    def __init__(self, store: Store, encryptor: Encryptor, fingerprinter: Fingerprinter) -> None:
        self._store = store
        self._fingerprinter = fingerprinter
        self._encryptor = encryptor
        self._record_sets = RecordSets(store, encryptor)
        self._acceptances = GroupCommit(store, "accept", replicated=True)

    async def accept(
        self,
        new: NewWatch,
        *,
        grace: Span,
        reuse: Span,
        once: IdempotencyKey | None = None,
        limit: int | None = None,
    ) -> AcceptedWatch | OverLimit | None:
        """Store a watch and start polling its import, in one step. Accepting the same id again changes nothing.

        With an idempotency key `once`, a repeated request gets the first reply; None if its content differs. With a
        `limit` of calls per client and minute, the same step counts this call.
        """
        label = None if new.label is None else label_fingerprint(self._fingerprinter, new.label)
        call = acceptance_call(self._encryptor, new, label=label, grace=grace, reuse=reuse, once=once, limit=limit)
        accepted = read_reply(self._encryptor, new, await self._acceptances.run(call))
        if isinstance(accepted, AcceptedWatch) and accepted.acceptance is Acceptance.KNOWN:
            # The first reply was lost, and redis-py repeated the call.
            return replace(accepted, watch=await self.get(new.id) or accepted.watch)
        return accepted

    async def get(self, watch_id: str) -> Watch | None:
        """Return one watch, or None. Raises DecryptionFailed."""
        record = await self._store.call("HGETALL", keys.watch(watch_id))
        return codec.load_watch(self._encryptor, watch_id, record) if record else None

    async def many(self, watch_ids: Sequence[str]) -> list[Watch]:
        """Return those of the watches that exist and can be decrypted, in this order."""
        return await codec.read_many(self._store, watch_ids, keys.watch, partial(codec.load_watch, self._encryptor))

    async def index_entry(self, watch_id: str) -> WatchIndexEntry | None:
        names = ("client", "workspace", "import_id", "expires_at", "state", "outcome", "deliveries", "record_set")
        client, workspace, import_id, expires_at, state, outcome, deliveries, record_set_id = await self._store.call(
            "HMGET", keys.watch(watch_id), *names
        )
        if client is None:
            return None
        return WatchIndexEntry(
            client=client,
            workspace=workspace,
            import_id=import_id,
            expires_at=int(expires_at),
            index=outcome or state,
            deliveries=tuple((deliveries or "").split()),
            record_set_id=record_set_id,
        )

    async def workspaces(self, watch_ids: Sequence[str]) -> dict[str, str]:
        """Return the workspace of each existing watch by its id."""
        async with translated(), self._store.redis.pipeline(transaction=False) as pipe:
            for watch_id in watch_ids:
                pipe.hget(keys.watch(watch_id), "workspace")
            found = await pipe.execute()
        return {watch_id: workspace for watch_id, workspace in zip(watch_ids, found, strict=True) if workspace}

    async def waiting(self, workspace: str, import_id: str) -> list[tuple[str, Mapping[str, str]]]:
        """Return the open watches that wait for an import: their ids, with the encrypted records of the first ones."""
        found = await self._store.run(
            "read_waiting",
            {"waiting": keys.waiting(workspace, import_id)},
            {"records": RECORDS_AT_ONCE, "watch_prefix": keys.WATCH_PREFIX},
        )
        return [(watch_id, codec.unflatten(flat)) for watch_id, flat in found]

    async def some_waiting(self, workspace: str, import_id: str, count: int) -> list[str]:
        """Return the ids of some open watches that wait for an import."""
        ids: list[str] = await self._store.call("SRANDMEMBER", keys.waiting(workspace, import_id), count)
        return sorted(ids)

    async def load(self, watch_id: str, record: Mapping[str, str]) -> Watch | None:
        """Decrypt a watch's record; read it first if it is empty. Raises DecryptionFailed."""
        return codec.load_watch(self._encryptor, watch_id, record) if record else await self.get(watch_id)

    async def ended_before(self, moment: Moment, count: int) -> list[str]:
        """Return the watches whose retention began before `moment`, oldest first."""
        ids: list[str] = await self._store.call("ZRANGEBYSCORE", keys.ENDED, "-inf", moment, "LIMIT", 0, count)
        return ids

    async def delete(self, watch_id: str, where: WatchIndexEntry) -> bool:
        """Delete a watch with its deliveries, their attempts, and its entries in every index.

        Return False if it is kept, because a delivery of it was skipped for another one that may be abandoned.
        """
        parts = [key for id_ in where.deliveries for key in (keys.delivery(id_), keys.attempts(id_))]
        deleted = await self._store.run(
            "delete_watch",
            {
                "ended": keys.ENDED,
                "watches_about": keys.watches_about(where.import_id),
                "watches_in": keys.watches_in(where.index),
                "watches_in_of_client": keys.watches_in(where.index, where.client),
                "unreported": keys.UNREPORTED,
                "watch": keys.watch(watch_id),
            },
            {"watch_id": watch_id, "client": where.client},
            more_keys=parts,
            more_args=where.deliveries,
        )
        if deleted and where.record_set_id is not None:
            await self._record_sets.release(where.workspace, where.import_id, where.record_set_id)
        return bool(deleted)

    async def delete_replays(self, count: int) -> int:
        """Delete expired replies of idempotent requests. Return how many."""
        deleted = await self._store.run(
            "delete_replays", {"replays": keys.REPLAYS}, {"replayed_for": REPLAYED_FOR, "count": count}
        )
        return int(deleted)
