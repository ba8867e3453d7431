"""Steps of settling and of the sweep; each may come much later than the one before."""

from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    multiple,
    precondition,
    rule,
)

from bridge.domain.conclusions import conclude
from bridge.domain.import_state import ImportState
from bridge.domain.times import Moment
from bridge.store import keys
from bridge.store.watches.endings import Settlement
from tests.support.redis_snapshot import SKIPPED_FOR, ImportKey, Snapshot
from tests.support.store_machine.steps import (
    IMPORTS,
    StoreSteps,
)
from workers.settle import FINAL_POLL_WAIT, settlement_of

settlements: Bundle[Settlement] = Bundle("settlements")


class SettlingSteps(StoreSteps):
    """Several workers conclude watches, write their outcomes, and sweep."""

    @precondition(lambda self: self.model.answers)
    @rule(target=settlements, key=st.sampled_from(IMPORTS))
    def conclude(self, key: ImportKey) -> Any:
        return multiple(*self.run(self._concluded(key)))

    async def _concluded(self, key: ImportKey) -> list[Settlement]:
        polled = await self.resources.imports.get(*key)
        now = await self.store.now()
        known = polled.state if polled else ImportState()
        found: list[Settlement] = []
        for watch_id, record in await self.resources.watches.waiting(*key):
            watch = await self.resources.watches.load(watch_id, record)
            assert watch is not None
            if conclusion := conclude(watch, known, now, last_call_made=now >= watch.expires_at + FINAL_POLL_WAIT):
                found.append(settlement_of(watch, conclusion, known, now, lane=self.resources.lane, show_emails=False))
        return found

    @precondition(lambda self: self.model.answers)
    @rule(key=st.sampled_from(IMPORTS))
    def settle_all(self, key: ImportKey) -> None:
        """Conclude and settle with no other step in between."""
        for settlement in self.run(self._concluded(key)):
            self.settle(settlement)

    @rule(settlement=settlements)
    def settle(self, settlement: Settlement) -> None:
        watch = self.model.watches.get(settlement.watch.id)
        watching = watch is not None and watch.state == "watching"
        assert self.run(self.resources.endings.settle(settlement)) == watching
        if watching:
            self.model.settle(settlement.watch.id, settlement.conclusion.outcome.value)
        assert not self.unchanged(lambda: self.run(self.resources.endings.settle(settlement)))

    @precondition(lambda self: self.model.final)
    @precondition(lambda self: any(self.model.waiting(key) for key in self.model.final))
    @rule(key=st.sampled_from(IMPORTS))
    def drop_settling(self, key: ImportKey) -> None:
        """Drop an import from those to settle, as a sweep does that has read no waiting watch."""
        self.run(self.resources.imports.drop_settling(*key))

    @precondition(lambda self: self.model.watches)
    @rule()
    def run_sweep(self) -> None:
        before, early = self.snapshot(), self.now()
        self.run(self.sweep.run())
        after, late = self.snapshot(), self.now()
        self._settle_in_model(before, after, early, late)
        self._delete_in_model(before, after, early, late)

    @precondition(lambda self: self.model.final)
    @rule()
    def delete_final(self) -> None:
        """Delete final imports alone, as a sweep does that settled before the last watches were accepted."""
        before, early = self.snapshot(), self.now()
        self.run(self.resources.imports.delete_final(reuse=self.resources.settings.reading_reuse, count=9))
        self._delete_imports_in_model(before, self.snapshot(), early, self.now())

    def _settle_in_model(self, before: Snapshot, after: Snapshot, early: Moment, late: Moment) -> None:
        """Check that the sweep settled every watch that is due, and only for a reason; update the model."""
        resumed = {keys.split_member(member) for member, at in before.index(keys.SETTLING).items() if at <= early}
        checked = {watch_id for watch_id, at in before.index(keys.EXPIRING).items() if at <= early}
        for watch_id, watch in list(self.model.watches.items()):
            if watch.state != "watching":
                continue
            record = after.watches[watch_id]
            given_up = watch_id in checked and watch.expires_at + FINAL_POLL_WAIT <= early
            assert record["state"] == "settled" or not (watch.key in resumed or given_up)
            if record["state"] == "settled":
                outcome = record["outcome"]
                expired = outcome == "timed_out" and watch.expires_at <= late
                assert expired or (watch.key, outcome) in self.model.answers
                self.model.settle(watch_id, outcome)

    def _delete_in_model(self, before: Snapshot, after: Snapshot, early: Moment, late: Moment) -> None:
        """Check that the sweep deleted everything whose retention has passed, and nothing else; update the model."""
        retention = self.resources.settings.bridge_retention
        for id_, at in before.index(keys.ENDED).items():
            deleted = id_ not in after.index(keys.ENDED)
            assert deleted or at > early - retention or _may_be_revived(before, id_)
            assert not deleted or at <= late - retention
            if deleted and id_ in self.model.watches:
                self.model.delete(id_)
            elif deleted:
                del self.model.deliveries[id_]
        self._delete_imports_in_model(before, after, early, late)

    def _delete_imports_in_model(self, before: Snapshot, after: Snapshot, early: Moment, late: Moment) -> None:
        reuse = self.resources.settings.reading_reuse
        for key in list(self.model.final):
            at = int(before.imports[key]["final_at"])
            deleted = key not in after.imports
            assert deleted or at > early - reuse or self.model.waiting(key)
            assert not deleted or (at <= late - reuse and not self.model.waiting(key))
            if deleted:
                self.model.final.remove(key)


def _may_be_revived(snapshot: Snapshot, watch_id: str) -> bool:
    """Return whether a delivery of an ended watch was skipped because of one that is pending."""
    skipped = {id_ for key, ids in snapshot.held.items() if key.startswith(SKIPPED_FOR) for id_ in ids}
    return watch_id in snapshot.watches and bool(skipped & set(snapshot.watches[watch_id]["deliveries"].split()))
