"""Watches: stored when accepted, ended once, found again."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

from bridge.domain.conclusions import Conclusion
from bridge.domain.deliveries import Delivery, DeliveryState
from bridge.domain.last_poll import last_poll
from bridge.domain.times import Moment, Span
from bridge.domain.watches import ImportState, Watch, WatchState
from bridge.redis.errors import translated
from bridge.store import bindings, codec, keys
from bridge.store.acceptance import (
    REPLAYED_FOR,
    Acceptance,
    AcceptedWatch,
    AcceptReply,
    IdempotencyKey,
    NewWatch,
    acceptance_call,
)
from bridge.store.connection import Store
from bridge.store.encryption import Encryptor
from bridge.store.group_commit import GroupCommit
from bridge.store.imports import ImportRecord, load_import_leniently
from bridge.store.lua import Argument

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Settlement:
    """How a watch ends: its conclusion and its rendered deliveries."""

    watch: Watch
    conclusion: Conclusion
    deliveries: tuple[Delivery, ...]
    at: Moment


class Watches:
    """The watches in Redis."""

    def __init__(self, store: Store, encryptor: Encryptor) -> None:
        self._store = store
        self._encryptor = encryptor
        self._acceptances = GroupCommit(store, "accept")

    async def accept(
        self, new: NewWatch, *, grace: Span, reuse: Span, once: IdempotencyKey | None = None
    ) -> AcceptedWatch | None:
        """Store a watch and start polling its import, in one step. Accepting the same id again changes nothing.

        With an idempotency key `once`, a repeated request gets the first reply; None if its content differs.
        """
        call = acceptance_call(self._encryptor, new, grace=grace, reuse=reuse, once=once)
        reply = AcceptReply(*await self._acceptances.run(call))
        if reply.acceptance == "conflict":
            return None
        watch = Watch(
            id=reply.watch_id,
            client=new.client,
            workspace=new.workspace,
            import_id=new.import_id,
            notify=new.notify,
            label=new.label,
            metadata=new.metadata,
            created_at=reply.now,
            grace_until=reply.now + min(reply.grace, reply.expires_in),
            expires_at=reply.now + reply.expires_in,
        )
        import_record = load_import_leniently(
            self._encryptor,
            new.workspace,
            new.import_id,
            codec.unflatten(reply.import_fields),
            None if reply.next_poll < 0 else reply.next_poll,
        )
        acceptance = Acceptance(reply.acceptance)
        if acceptance is Acceptance.KNOWN:  # the first reply was lost, and redis-py repeated the call
            watch = await self.get(new.id) or watch
        return AcceptedWatch(watch=watch, acceptance=acceptance, import_record=import_record)

    async def get(self, watch_id: str) -> Watch | None:
        """Return one watch, or None. Raises DecryptionFailed."""
        record = await self._store.call("HGETALL", keys.watch(watch_id))
        return codec.load_watch(self._encryptor, watch_id, record) if record else None

    async def many(self, watch_ids: Sequence[str]) -> list[Watch]:
        """Return those of the watches that exist and can be decrypted, in this order."""
        return await codec.read_many(self._store, watch_ids, keys.watch, partial(codec.load_watch, self._encryptor))

    async def index_entry(self, watch_id: str) -> WatchIndexEntry | None:
        names = ("client", "workspace", "import_id", "expires_at", "state", "outcome", "deliveries")
        client, workspace, import_id, expires_at, state, outcome, deliveries = await self._store.call(
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

    async def load(self, watch_id: str, record: Mapping[str, str]) -> Watch | None:
        """Decrypt a watch's record; read it first if it is empty. Raises DecryptionFailed."""
        return codec.load_watch(self._encryptor, watch_id, record) if record else await self.get(watch_id)

    async def ended_before(self, moment: Moment, count: int) -> list[str]:
        """Return the watches whose retention began before `moment`, oldest first."""
        ids: list[str] = await self._store.call("ZRANGEBYSCORE", keys.ENDED, "-inf", moment, "LIMIT", 0, count)
        return ids

    async def delete(self, watch_id: str, where: WatchIndexEntry) -> None:
        """Delete a watch with its deliveries, their attempts, and its entries in every index."""
        parts = [key for id_ in where.deliveries for key in (keys.delivery(id_), keys.attempts(id_))]
        await self._store.run(
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

    async def delete_replays(self, count: int) -> int:
        """Delete expired replies of idempotent requests. Return how many."""
        deleted = await self._store.run(
            "delete_replays", {"replays": keys.REPLAYS}, {"replayed_for": REPLAYED_FOR, "count": count}
        )
        return int(deleted)

    async def claim_expiring(self, count: int, lease: Span) -> list[str]:
        """Claim watches that have expired; the caller must end them within `lease`."""
        _now, *due = await self._store.run(
            "claim_due", {"due": keys.EXPIRING}, {"count": count, "lease": lease, "furthest": ""}
        )
        return list(due)

    async def settle(self, settlement: Settlement) -> bool:
        """Store an outcome and its deliveries. Return False if the watch had ended already."""
        watch = settlement.watch
        return await self._end(
            watch.id,
            WatchIndexEntry(
                client=watch.client,
                workspace=watch.workspace,
                import_id=watch.import_id,
                expires_at=watch.expires_at,
                index=settlement.conclusion.outcome.value,
                deliveries=tuple(delivery.id for delivery in settlement.deliveries),
            ),
            state=WatchState.SETTLED,
            now=settlement.at,
            fields=self._ending(settlement),
            deliveries=[part for delivery in settlement.deliveries for part in self._delivery_args(delivery)],
        )

    async def cancel(
        self, watch_id: str, where: WatchIndexEntry, import_record: ImportRecord | None, now: Moment
    ) -> bool:
        """End a watch without an outcome, with its import as last read. Return False if it had ended already."""
        last, polls = (import_record.state, import_record.polls) if import_record else (ImportState(), 0)
        ending = codec.dump_ending(None, last.reading, polls, last.polled_at, last_poll(last))
        binding = bindings.of_watch("ending", watch_id, where.client, where.workspace, where.import_id)
        fields = ["deliveries", "", "ending", self._encryptor.encrypt(ending, binding)]
        after = replace(where, index=WatchState.CANCELLED.value, deliveries=())
        return await self._end(watch_id, after, state=WatchState.CANCELLED, now=now, fields=fields)

    async def _end(
        self,
        watch_id: str,
        after: WatchIndexEntry,
        *,
        state: WatchState,
        now: Moment,
        fields: Sequence[Argument],
        deliveries: Sequence[Argument] = (),
    ) -> bool:
        """Run settle.lua; `after` is the watch's index entry once it has ended."""
        workspace, import_id, client = after.workspace, after.import_id, after.client
        ended = await self._store.run(
            "settle",
            {
                "watch": keys.watch(watch_id),
                "expiring": keys.EXPIRING,
                "ended": keys.ENDED,
                "import": keys.import_(workspace, import_id),
                "waiting": keys.waiting(workspace, import_id),
                "imports_due": keys.imports_due(workspace),
                "settling": keys.SETTLING,
                "watching": keys.watches_in(WatchState.WATCHING),
                "watching_of_client": keys.watches_in(WatchState.WATCHING, client),
                "watches_in": keys.watches_in(after.index),
                "watches_in_of_client": keys.watches_in(after.index, client),
            },
            {
                "watch_id": watch_id,
                "import_id": import_id,
                "member": keys.member(workspace, import_id),
                "now": now,
                "state": state.value,
                "deliveries": len(after.deliveries),
                "fields": len(fields),
            },
            more_keys=list(map(keys.delivery, after.deliveries)),
            more_args=[*fields, *deliveries],
        )
        return bool(ended)

    def _ending(self, settlement: Settlement) -> list[str]:
        watch = settlement.watch
        ending = codec.dump_ending(
            settlement.conclusion.reason, watch.reading, watch.polls, watch.polled_at, watch.last_poll
        )
        binding = bindings.of_watch("ending", watch.id, watch.client, watch.workspace, watch.import_id)
        return [
            *("outcome", settlement.conclusion.outcome.value),
            *("deliveries", " ".join(delivery.id for delivery in settlement.deliveries)),
            *("ending", self._encryptor.encrypt(ending, binding)),
        ]

    def _delivery_args(self, delivery: Delivery) -> Sequence[Argument]:
        message = {"destination": codec.dump_destination(delivery.destination), "body": delivery.body}
        binding = bindings.of_message(delivery.id, delivery.client, delivery.watch_id)
        fields: list[Argument] = [
            *("watch", delivery.watch_id, "client", delivery.client),
            *("notification", delivery.notification_id, "attempts", 0, "failures", 0),
            *("reason", delivery.last_reason or ""),
            *("message", self._encryptor.encrypt(codec.dump(message), binding)),
        ]
        state = DeliveryState.SKIPPED if delivery.state is DeliveryState.SKIPPED else DeliveryState.PENDING
        return [delivery.id, state.value, delivery.lane, len(fields), *fields]
