"""Steps of clients, and of time."""

from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    precondition,
    rule,
)

from bridge.domain.destinations import Destination
from bridge.domain.history.stored_history import StoredHistory
from bridge.domain.times import DAY, HOUR, MINUTE, SECOND, Moment
from bridge.store.watches.acceptance_call import Acceptance, AcceptedWatch, NewWatch
from tests.support.redis_snapshot import ImportKey, Snapshot
from tests.support.store_machine.model import ModelImport, ModelWatch
from tests.support.store_machine.steps import (
    DELIVERY_LEASE,
    DESTINATIONS,
    IMPORTS,
    POLL_LEASE,
    StoreSteps,
)

watch_ids: Bundle[str] = Bundle("watch_ids")
SPANS = (SECOND, 5 * SECOND, 10 * SECOND, POLL_LEASE, DELIVERY_LEASE, MINUTE, 5 * MINUTE, 10 * MINUTE, HOUR, DAY)


class ClientSteps(StoreSteps):
    """Clients create and cancel watches, and time passes."""

    @rule(
        target=watch_ids,
        key=st.sampled_from(IMPORTS),
        client=st.sampled_from(["crm", "billing"]),
        notify=st.lists(st.sampled_from(DESTINATIONS), max_size=3).map(tuple),
        expires_in=st.sampled_from([MINUTE, HOUR, 30 * DAY]),
    )
    def accept(self, key: ImportKey, client: str, notify: tuple[Destination, ...], expires_in: int) -> str:
        new = NewWatch(
            id=f"wat_{next(self.names):04}",
            client=client,
            workspace=key[0],
            import_id=key[1],
            notify=notify,
            label=None,
            metadata={},
            expires_in=expires_in,
        )
        before, early = self.snapshot(), self.now()
        acceptance, expires_at = self._accept(new)
        assert acceptance in self._joins(key, before, early, self.now())
        if acceptance is Acceptance.NEW:
            self.model.polling[key] = ModelImport()
            self.model.final.discard(key)
        self.model.watches[new.id] = ModelWatch(key=key, notify=notify, expires_at=expires_at)
        assert self.unchanged(lambda: self._accept(new)) == (Acceptance.KNOWN, expires_at)
        return new.id

    def _accept(self, new: NewWatch) -> tuple[Acceptance, Moment]:
        reuse = self.resources.settings.reading_reuse
        accepted = self.run(self.resources.watches.accept(new, grace=10 * MINUTE, reuse=reuse))
        assert isinstance(accepted, AcceptedWatch)
        return accepted.acceptance, accepted.watch.expires_at

    def _joins(self, key: ImportKey, before: Snapshot, early: Moment, late: Moment) -> set[Acceptance]:
        """Return what accepting a watch may return: two values only if the reuse ended in the meantime."""
        if key in self.model.polling:
            return {Acceptance.JOINED}
        if key not in self.model.final:
            return {Acceptance.NEW}
        reused_until = int(before.imports[key]["final_at"]) + self.resources.settings.reading_reuse
        return {Acceptance.FINAL if now < reused_until else Acceptance.NEW for now in (early, late)}

    @precondition(lambda self: self.model.watches)
    @rule(watch_id=watch_ids)
    def cancel(self, watch_id: str) -> None:
        where = self.run(self.resources.watches.index_entry(watch_id))
        assert (where is not None) == (watch_id in self.model.watches)
        if where is None:
            return
        watching = self.model.watches[watch_id].state == "watching"
        endings = self.resources.endings
        cancelled = self.run(endings.cancel(watch_id, where, None, self.now(), by="crm", history=StoredHistory()))
        assert cancelled == watching
        if watching:
            self.model.end(watch_id, "cancelled", None)

    @precondition(lambda self: self.model.watches)
    @rule(span=st.sampled_from(SPANS))
    def time_passes(self, span: int) -> None:
        self.store.offset += span
