"""Watches: stored when accepted, ended once, found again."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from typing import Any

from bridge.domain.deliveries import Delivery, DeliveryState
from bridge.domain.times import DAY, Moment, Span
from bridge.domain.watches import Conclusion, ImportState, Watch, WatchState
from bridge.redis.errors import translated
from bridge.store import bindings, codec, keys
from bridge.store.connection import Call, Store
from bridge.store.encryption import Encryptor
from bridge.store.group_commit import GroupCommit
from bridge.store.imports import ImportRecord, load_import_leniently
from bridge.store.records import read_many
from bridge.store.watch_record import dump_ending, load_watch


class Acceptance(StrEnum):
    """What a new watch found: a new import, one that is being polled, one that is final, itself, or its own answer."""

    NEW = "new"
    JOINED = "joined"
    FINAL = "final"
    KNOWN = "known"
    REPLAYED = "replayed"


@dataclass(frozen=True, slots=True, kw_only=True)
class NewWatch:
    """A watch that was asked for: spans instead of moments, since only Redis knows what time it is."""

    id: str
    client: str
    workspace: str
    import_id: str
    notify: tuple[Any, ...]
    label: str | None
    metadata: dict[str, Any]
    expires_in: Span


@dataclass(frozen=True, slots=True, kw_only=True)
class IdempotencyKey:
    """What tells a request from others: the mark of its Idempotency-Key, and of what it asks for."""

    mark: str
    digest: str


RECORDS_AT_ONCE = 100
REPLAYED_FOR: Span = DAY
"""An answer to a request with an Idempotency-Key is kept for so long."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AcceptedWatch:
    """A watch as it was stored, what it found, and its import as it stood then."""

    watch: Watch
    acceptance: Acceptance
    polled: ImportRecord | None


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchIndexEntry:
    """What is in the clear of a watch: enough to look after it even when its seal is broken."""

    client: str
    workspace: str
    import_id: str
    expires_at: Moment
    ending: str
    """`watching`, `cancelled`, or the outcome: the list in which it stands."""
    deliveries: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Settlement:
    """How a watch ends: its conclusion and the deliveries it owes, rendered."""

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
        """Store a watch and have its import polled, in one step; accepting the same id again changes nothing.

        A request that is made `once` is answered the second time as it was the first time; None when it asks for
        something else by then.
        """
        call = self._acceptance(new, grace=grace, reuse=reuse, once=once)
        acceptance, watch_id, now, grace, expires_in, due, flat = await self._acceptances.run(call)
        if acceptance == "conflict":
            return None
        watch = Watch(
            id=watch_id,
            client=new.client,
            workspace=new.workspace,
            import_id=new.import_id,
            notify=new.notify,
            label=new.label,
            metadata=new.metadata,
            created_at=now,
            grace_until=now + min(grace, expires_in),
            expires_at=now + expires_in,
        )
        import_ = codec.unflatten(flat)
        polled = load_import_leniently(self._encryptor, new.workspace, new.import_id, import_, None if due < 0 else due)
        if acceptance == Acceptance.KNOWN:  # the first reply was lost on its way, and the client asked again by itself
            watch = await self.get(new.id) or watch
        return AcceptedWatch(watch=watch, acceptance=Acceptance(acceptance), polled=polled)

    def _acceptance(self, new: NewWatch, *, grace: Span, reuse: Span, once: IdempotencyKey | None) -> Call:
        """Give the keys and arguments of accept.lua."""
        private = {
            "label": new.label,
            "metadata": new.metadata,
            "notify": [codec.dump_destination(destination) for destination in new.notify],
        }
        place = (new.workspace, new.import_id)
        return (
            [
                keys.watch(new.id),
                keys.watches_in(WatchState.WATCHING),
                keys.watches_in(WatchState.WATCHING, new.client),
                keys.watches_about(new.import_id),
                keys.EXPIRING,
                keys.import_(*place),
                keys.waiting(*place),
                keys.imports_due(new.workspace),
                keys.SETTLING,
                keys.FINAL,
                keys.replay(new.client, once.mark if once else ""),
                keys.REPLAYS,
            ],
            [
                *(new.id, new.import_id, keys.member(*place)),
                *(grace, new.expires_in, reuse),
                *(once.digest if once else "", REPLAYED_FOR),
                *("client", new.client, "workspace", new.workspace, "import_id", new.import_id),
                *(
                    "private",
                    self._encryptor.seal(codec.dump(private), bindings.of_watch("private", new.id, new.client, *place)),
                ),
            ],
        )

    async def get(self, watch_id: str) -> Watch | None:
        """Give one watch; raises SealBroken."""
        record = await self._store.call("HGETALL", keys.watch(watch_id))
        return load_watch(self._encryptor, watch_id, record) if record else None

    async def many(self, watch_ids: Sequence[str]) -> list[Watch]:
        """Give the watches with these ids that are still there and open, in this order."""
        return await read_many(self._store, watch_ids, keys.watch, partial(load_watch, self._encryptor))

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
            ending=outcome or state,
            deliveries=tuple((deliveries or "").split()),
        )

    async def workspaces(self, watch_ids: Sequence[str]) -> dict[str, str]:
        """Tell in which workspace each of these watches is; those that are gone are left out."""
        async with translated(), self._store.redis.pipeline(transaction=False) as pipe:
            for watch_id in watch_ids:
                pipe.hget(keys.watch(watch_id), "workspace")
            found = await pipe.execute()
        return {watch_id: workspace for watch_id, workspace in zip(watch_ids, found, strict=True) if workspace}

    async def waiting(self, workspace: str, import_id: str) -> list[tuple[str, Mapping[str, str]]]:
        """Return the open watches that wait for an import: their ids, with the sealed records of the first ones."""
        place = [keys.waiting(workspace, import_id)]
        found = await self._store.run("read_waiting", place, [RECORDS_AT_ONCE, keys.WATCH_PREFIX])
        return [(watch_id, codec.unflatten(flat)) for watch_id, flat in found]

    async def opened(self, watch_id: str, record: Mapping[str, str]) -> Watch | None:
        """Unseal a watch's record, which is read first where it was not yet; raises SealBroken."""
        return load_watch(self._encryptor, watch_id, record) if record else await self.get(watch_id)

    async def ended_before(self, moment: Moment, count: int) -> list[str]:
        """Give the watches whose retention began before `moment`, oldest first."""
        ids: list[str] = await self._store.call("ZRANGEBYSCORE", keys.ENDED, "-inf", moment, "LIMIT", 0, count)
        return ids

    async def forget(self, watch_id: str, where: WatchIndexEntry) -> None:
        """Delete a watch with its deliveries, their attempts, and its entries in every index."""
        parts = [key for id_ in where.deliveries for key in (keys.delivery(id_), keys.attempts(id_))]
        lists = [keys.watches_in(where.ending), keys.watches_in(where.ending, where.client)]
        await self._store.run(
            "forget",
            [keys.ENDED, keys.watches_about(where.import_id), *lists, keys.UNTOLD, keys.watch(watch_id), *parts],
            [watch_id, where.client, *where.deliveries],
        )

    async def forget_replays(self, count: int) -> int:
        """Delete kept answers that are past their time; give how many."""
        return int(await self._store.run("forget_replays", [keys.REPLAYS], [REPLAYED_FOR, count]))

    async def claim_expiring(self, count: int, lease: Span) -> tuple[Moment, list[str]]:
        """Take watches whose expiry has come; whoever takes them has `lease` to end them."""
        now, *ids = await self._store.run("claim_due", [keys.EXPIRING], [count, lease, ""])
        return now, ids

    async def settle(self, settlement: Settlement) -> bool:
        """Write an outcome and the deliveries it owes; False when the watch had ended already."""
        watch = settlement.watch
        fields = self._ending(settlement)
        owed = [part for delivery in settlement.deliveries for part in self._owed(delivery)]
        where = (watch.id, watch.workspace, watch.import_id, watch.client, settlement.conclusion.outcome.value)
        ended = await self._store.run(
            "settle",
            [*_places(*where), *(keys.delivery(delivery.id) for delivery in settlement.deliveries)],
            [
                *(watch.id, watch.import_id, keys.member(watch.workspace, watch.import_id), settlement.at),
                *(WatchState.SETTLED.value, len(settlement.deliveries), len(fields), *fields, *owed),
            ],
        )
        return bool(ended)

    async def cancel(self, watch_id: str, where: WatchIndexEntry, polled: ImportRecord | None, now: Moment) -> bool:
        """End a watch without an outcome, its import as last read; False when it had ended already."""
        known, polls = (polled.known, polled.polls) if polled else (ImportState(), 0)
        ending = dump_ending(None, known.reading, polls, known.polled_at)
        binding = bindings.of_watch("ending", watch_id, where.client, where.workspace, where.import_id)
        fields = ["deliveries", "", "ending", self._encryptor.seal(ending, binding)]
        member = keys.member(where.workspace, where.import_id)
        ended = await self._store.run(
            "settle",
            _places(watch_id, where.workspace, where.import_id, where.client, WatchState.CANCELLED),
            [watch_id, where.import_id, member, now, WatchState.CANCELLED.value, 0, len(fields), *fields],
        )
        return bool(ended)

    def _ending(self, settlement: Settlement) -> list[str]:
        watch = settlement.watch
        ending = dump_ending(settlement.conclusion.reason, watch.reading, watch.polls, watch.polled_at)
        binding = bindings.of_watch("ending", watch.id, watch.client, watch.workspace, watch.import_id)
        return [
            *("outcome", settlement.conclusion.outcome.value),
            *("deliveries", " ".join(delivery.id for delivery in settlement.deliveries)),
            *("ending", self._encryptor.seal(ending, binding)),
        ]

    def _owed(self, delivery: Delivery) -> Sequence[str | int]:
        message = {"destination": codec.dump_destination(delivery.destination), "body": delivery.body}
        binding = bindings.of_message(delivery.id, delivery.client, delivery.watch_id)
        fields: list[str | int] = [
            *("watch", delivery.watch_id, "client", delivery.client),
            *("notification", delivery.notification_id, "attempts", 0, "failures", 0),
            *("reason", delivery.last_reason or ""),
            *("message", self._encryptor.seal(codec.dump(message), binding)),
        ]
        state = DeliveryState.SKIPPED if delivery.state is DeliveryState.SKIPPED else DeliveryState.PENDING
        return [delivery.id, state.value, delivery.lane, len(fields), *fields]


def _places(watch_id: str, workspace: str, import_id: str, client: str, ending: str) -> list[str]:
    """Give the keys that the end of a watch touches, in the order of settle.lua."""
    return [
        keys.watch(watch_id),
        keys.EXPIRING,
        keys.ENDED,
        keys.import_(workspace, import_id),
        keys.waiting(workspace, import_id),
        keys.imports_due(workspace),
        keys.SETTLING,
        keys.watches_in(WatchState.WATCHING),
        keys.watches_in(WatchState.WATCHING, client),
        keys.watches_in(ending),
        keys.watches_in(ending, client),
    ]
