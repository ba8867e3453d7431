"""Steps of rules: their watches, and the gate that releases their deliveries or skips them."""

from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from bridge.domain.destinations import Callback, Destination
from bridge.domain.secret import Secret
from bridge.domain.times import DAY
from bridge.store.watches.acceptance_call import Acceptance, AcceptedWatch, NewWatch
from tests.support.redis_snapshot import ImportKey, Snapshot
from tests.support.store_machine.model import ModelImport, ModelWatch
from tests.support.store_machine.steps import DESTINATIONS, IMPORTS, StoreSteps
from workers.gate import GateWork
from workers.notify_operator import OperatorNotifier

RULE = "rule:ops"
TOLD: tuple[Destination, ...] = (DESTINATIONS[0], Callback(url=Secret("https://ops.example.com/hook")))
"""The destinations of the rule: the first is one of the clients' as well. Callbacks are never gathered in digests."""
ROUNDS_TO_WAIT = 2


class RuleSteps(StoreSteps):
    """A rule makes watches, and the gate decides about their deliveries, perhaps much later."""

    @rule(key=st.sampled_from(IMPORTS))
    def accept_by_rule(self, key: ImportKey) -> None:
        new = NewWatch(
            id=f"wat_{next(self.names):04}",
            client=RULE,
            workspace=key[0],
            import_id=key[1],
            notify=TOLD,
            label=None,
            metadata={},
            expires_in=DAY,
        )
        accepted = self.run(self.resources.watches.accept(new, grace=1, reuse=self.resources.settings.reading_reuse))
        assert isinstance(accepted, AcceptedWatch)
        if accepted.acceptance is Acceptance.NEW:
            self.model.polling[key] = ModelImport()
            self.model.final.discard(key)
        expires_at = accepted.watch.expires_at
        self.model.watches[new.id] = ModelWatch(key=key, notify=TOLD, expires_at=expires_at, client=RULE)

    @precondition(lambda self: self.snapshot().index("rb:deliveries:held"))
    @rule(room=st.integers(1, 5))
    def open_gate(self, room: int) -> None:
        """Decide about held deliveries, with a repetition as after a lost reply."""
        before = self.snapshot()
        work = GateWork(self.resources, OperatorNotifier(self.resources, on_due=_ignore), on_due=_ignore)
        claims, _ = self.run(work.claim(room))
        results = [self.run(work.act(claim)) for claim in claims]
        self.run(work.commit(results))
        self._follow_gate(before, self.snapshot())
        self.unchanged(lambda: self.run(work.commit(results)))

    def _follow_gate(self, before: Snapshot, after: Snapshot) -> None:
        """Check that the gate skipped only what an explicit watch tells; update the model."""
        for delivery_id, delivery in self.model.deliveries.items():
            state = after.deliveries[delivery_id]["state"]
            if state != delivery.state:
                assert (delivery.state, state) == ("pending", "skipped")
                assert "held" in before.deliveries[delivery_id]
                assert self._is_told_explicitly(delivery_id)
                delivery.state = state

    def _is_told_explicitly(self, delivery_id: str) -> bool:
        """Return whether a client's watch of the same import has such a delivery that is pending or was delivered."""
        watch = self.model.watches[self.model.deliveries[delivery_id].watch_id]
        told = self._receiver(delivery_id)
        return any(
            other.client != RULE and other.key == watch.key and other.outcome == watch.outcome
            for id_, each in self.model.deliveries.items()
            if each.state in {"pending", "delivered"} and each.watch_id and self._receiver(id_) == told
            for other in [self.model.watches[each.watch_id]]
        )

    def _receiver(self, delivery_id: str) -> str:
        delivery: Any = self.run(self.resources.deliveries.get(delivery_id))
        return self.resources.receiver(delivery.destination)

    def _open_gate_wide(self) -> None:
        """Let every held delivery go: no watch is open any more."""
        for _ in range(ROUNDS_TO_WAIT):
            while self.snapshot().index("rb:deliveries:held"):
                self.open_gate(5)
                self.store.offset += DAY // 24


def _ignore() -> None: ...
