"""Endings of watches: settled with an outcome and deliveries, or cancelled. A watch ends once."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from bridge.domain.conclusions import Conclusion
from bridge.domain.delivery.deliveries import Delivery, DeliveryState
from bridge.domain.digests import BATCH_DIGEST_AFTER
from bridge.domain.history.stored_history import StoredHistory
from bridge.domain.import_state import ImportState
from bridge.domain.imports import Reading
from bridge.domain.past_ends import KEPT, NewEnd
from bridge.domain.polling.last_poll_words import last_poll
from bridge.domain.times import Moment, Span
from bridge.domain.watches import Watch, WatchState
from bridge.store import bindings, codec, keys
from bridge.store.calls.connection import Store
from bridge.store.calls.lua import Argument, Call
from bridge.store.encryption import Encryptor
from bridge.store.imports.import_records import ImportRecord
from bridge.store.watches.history import history_field
from bridge.store.watches.kept_endings import CARRIED_OUT_BY, KeptEndings
from bridge.store.watches.past_ends import entry_of
from bridge.store.watches.watches import WatchIndexEntry


@dataclass(frozen=True, slots=True, kw_only=True)
class Settlement:
    """How a watch ends: its conclusion and its rendered deliveries."""

    watch: Watch
    conclusion: Conclusion
    deliveries: tuple[Delivery, ...]
    at: Moment
    history: StoredHistory = field(default_factory=StoredHistory)
    new_end: NewEnd | None = None
    """The end of the import, for its histories; None if it has not ended."""


class Endings:
    """The endings of watches in Redis."""

    def __init__(self, store: Store, encryptor: Encryptor) -> None:
        self._store = store
        self._encryptor = encryptor
        self.kept = KeptEndings(store)

    async def claim_expiring(self, count: int, lease: Span) -> list[str]:
        """Claim watches that have expired. One that has not ended after `lease` can be claimed again."""
        _now, *due = await self._store.run(
            "claim_due", {"due": keys.EXPIRING}, {"count": count, "lease": lease, "furthest": ""}
        )
        return list(due)

    async def settle(self, settlement: Settlement) -> bool:
        """Store an outcome and its deliveries. Return False if the watch had ended already."""
        watch = settlement.watch
        call = self._call(
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
            new_end=settlement.new_end,
        )
        if self._store.min_replicas:
            return await self._carry_out(watch.id, await self.kept.keep(watch.id, call))
        return await self._run(call)

    async def finish(self, watch_id: str) -> bool:
        """End a watch as it was decided before, if that was not carried out. Return whether it has ended now."""
        return await self._carry_out(watch_id, await self.kept.keep(watch_id, None))

    async def _carry_out(self, watch_id: str, kept: Call | None) -> bool:
        if kept is None:
            return False
        ended = await self._run(kept)
        await self.kept.forget(watch_id)
        return ended

    async def _run(self, call: Call, *, replicated: bool = False) -> bool:
        ended = await self._store.run(
            CARRIED_OUT_BY,
            call.keys,
            call.args,
            more_keys=call.more_keys,
            more_args=call.more_args,
            replicated=replicated,
        )
        return bool(ended)

    async def cancel(
        self,
        watch_id: str,
        where: WatchIndexEntry,
        import_record: ImportRecord | None,
        now: Moment,
        *,
        by: str,
        history: StoredHistory,
    ) -> bool:
        """End a watch without an outcome, for the client `by`, with its import as last read.

        Return False if it had ended already.
        """
        last, polls = (import_record.state, import_record.polls) if import_record else (ImportState(), 0)
        ending = codec.dump_ending(None, last.reading, polls, last.polled_at, last_poll(last))
        owner = (watch_id, where.client, where.workspace, where.import_id)
        fields = [
            *("deliveries", "", "cancelled_by", by),
            *("ending", self._encryptor.encrypt(ending, bindings.of_watch("ending", *owner))),
            *history_field(self._encryptor, history, bindings.of_watch("history", *owner)),
            *_record_set(last.reading),
        ]
        after = replace(where, index=WatchState.CANCELLED.value, deliveries=())
        if self._store.min_replicas and await self.finish(watch_id):
            return False
        call = self._call(watch_id, after, state=WatchState.CANCELLED, now=now, fields=fields)
        return await self._run(call, replicated=True)

    @staticmethod
    def _call(
        watch_id: str,
        after: WatchIndexEntry,
        *,
        state: WatchState,
        now: Moment,
        fields: Sequence[Argument],
        deliveries: Sequence[Argument] = (),
        new_end: NewEnd | None = None,
    ) -> Call:
        """Return a call of settle.lua; `after` is the watch's index entry once it has ended."""
        workspace, import_id, client = after.workspace, after.import_id, after.client
        return Call(
            keys={
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
            args={
                "watch_id": watch_id,
                "import_id": import_id,
                "member": keys.member(workspace, import_id),
                "now": now,
                "state": state.value,
                "stretched_prefix": keys.imports_stretched_prefix(workspace),
                "deliveries": len(after.deliveries),
                "fields": len(fields),
                "mark": "" if new_end is None else new_end.end.mark,
                "entry": "" if new_end is None else entry_of(new_end.end),
                "ends_kept": KEPT,
                "ends_kept_for": 0 if new_end is None else new_end.kept_for,
                "batch_digest_after": BATCH_DIGEST_AFTER,
            },
            more_keys=[
                *map(keys.delivery, after.deliveries),
                *map(keys.past_ends, () if new_end is None else new_end.histories),
            ],
            more_args=[*fields, *deliveries],
        )

    def _ending(self, settlement: Settlement) -> list[str]:
        watch = settlement.watch
        ending = codec.dump_ending(
            settlement.conclusion.reason, watch.reading, watch.polls, watch.polled_at, watch.last_poll
        )
        owner = (watch.id, watch.client, watch.workspace, watch.import_id)
        return [
            *("outcome", settlement.conclusion.outcome.value),
            *("deliveries", " ".join(delivery.id for delivery in settlement.deliveries)),
            *("ending", self._encryptor.encrypt(ending, bindings.of_watch("ending", *owner))),
            *history_field(self._encryptor, settlement.history, bindings.of_watch("history", *owner)),
            *_record_set(watch.reading),
        ]

    def _delivery_args(self, delivery: Delivery) -> Sequence[Argument]:
        message = {"destination": codec.dump_destination(delivery.destination), "body": delivery.body}
        if delivery.traceparent is not None:
            message["traceparent"] = delivery.traceparent
        binding = bindings.of_message(delivery.id, delivery.client, delivery.watch_id)
        fields: list[Argument] = [
            *("watch", delivery.watch_id, "client", delivery.client),
            *("notification", delivery.notification_id, "attempts", 0, "failures", 0),
            *("reason", delivery.last_reason or ""),
            *("message", self._encryptor.encrypt(codec.dump(message), binding)),
        ]
        state = DeliveryState.SKIPPED if delivery.state is DeliveryState.SKIPPED else DeliveryState.PENDING
        return [delivery.id, state.value, delivery.lane, delivery.held_until or 0, len(fields), *fields]


def _record_set(reading: Reading | None) -> tuple[str, ...]:
    """Return the field by which a watch keeps the record set of its reading."""
    return () if reading is None or reading.record_set_id is None else ("record_set", reading.record_set_id)
