"""The store under any order of steps: nothing that workers, clients and time do to it breaks a promise.

A state machine of Hypothesis takes random steps against a real Redis, next to a plain model in Python. Several workers
hold claims at once, fences become stale, replies get lost so that a step runs twice, and processes die in the middle.
After every step the records must match the model, and every index the records. The steps are in
`tests/support/store_machine/`.
"""

import os

import pytest
from hypothesis import HealthCheck, seed, settings
from hypothesis.stateful import (
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from bridge.domain.times import DAY, HOUR, MINUTE
from bridge.store import keys, poll_scores
from tests.support.redis_snapshot import assert_sound
from tests.support.store_machine.clients import ClientSteps
from tests.support.store_machine.deliveries import DeliverySteps
from tests.support.store_machine.polls import PollSteps
from tests.support.store_machine.rules import RuleSteps
from tests.support.store_machine.settling import SettlingSteps
from tests.support.store_machine.stage import stage

WATCHES_AT_THE_END = 5
"""The number of watches from which on a run may end."""


class StoreMachine(ClientSteps, PollSteps, SettlingSteps, DeliverySteps, RuleSteps):
    """All steps in any order, the check after each of them, and the end of a run."""

    @invariant()
    def records_match_the_model(self) -> None:
        snapshot = self.snapshot()
        assert_sound(snapshot)
        model = self.model
        assert {id_: (each["state"], each.get("outcome")) for id_, each in snapshot.watches.items()} == {
            watch_id: (watch.state, watch.outcome) for watch_id, watch in model.watches.items()
        }
        assert {id_: (each["state"], int(each["attempts"])) for id_, each in snapshot.deliveries.items()} == {
            delivery_id: (delivery.state, delivery.attempts) for delivery_id, delivery in model.deliveries.items()
        }
        for (workspace, import_id), import_ in model.polling.items():
            if import_.pushed:
                due = poll_scores.moment(snapshot.index(keys.imports_due(workspace))[import_id])
                assert due <= max(self.now(), import_.lease_end), "a push is lost"
        polling = {key for key, record in snapshot.imports.items() if record["state"] == "open"}
        assert polling == model.polling.keys()
        assert snapshot.imports.keys() - polling == model.final

    @precondition(lambda self: len(self.model.watches) >= WATCHES_AT_THE_END)
    @rule()
    def everything_ends_and_disappears(self) -> None:
        """Let all watches expire, deliver everything, and let the retention pass: nothing of it may be left."""
        self.store.offset += 30 * DAY
        self.run_sweep()
        self.store.offset += MINUTE
        self.run_sweep()
        assert not [watch for watch in self.model.watches.values() if watch.state == "watching"]
        self._open_gate_wide()
        self._deliver_all()
        self.store.offset += self.resources.settings.bridge_retention + HOUR
        self.run(self.store.call("DEL", keys.turn("alarms")))  # Redis expires it by its own clock, not by the offset
        self.run_sweep()
        for name in ("default", "eu"):
            assert self._claim_polls(name, 9) == []
        left = {key for key in self.snapshot().held if not key.endswith((":paced", ":last", ":calls", ":flooded"))}
        left.discard(keys.rule_counts("ops"))
        permanent = {keys.FENCE, keys.CLOCK, keys.STORE_KEY, keys.LAYOUT_MARK}
        left -= {keys.budget("default"), keys.budget("eu"), keys.push_proof("default")}
        assert {
            key
            for key in left
            if not key.startswith(("rb:push:seen:", "rb:push:first:", "rb:push:stats:", "rb:ends:", "rb:turn:"))
        } <= permanent
        assert not self.model.watches
        assert not self.model.deliveries


def run_machine(redis_url: str, *, seeded: int | None, examples: int, steps: int) -> None:
    profile = settings(
        max_examples=examples,
        stateful_step_count=steps,
        derandomize=seeded is None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    with stage(redis_url) as known:

        class Machine(StoreMachine):
            def __init__(self) -> None:
                super().__init__(known)

        machine = Machine if seeded is None else seed(seeded)(Machine)
        run_state_machine_as_test(machine, settings=profile)


def test_no_order_of_steps_breaks_a_promise(redis_url: str) -> None:
    run_machine(redis_url, seeded=None, examples=10, steps=40)


@pytest.mark.slow
def test_no_order_of_very_many_steps_breaks_a_promise(redis_url: str) -> None:
    """The orders are the same in each run of CI; STORE_MACHINE_SEED tries others."""
    run_machine(redis_url, seeded=int(os.environ.get("STORE_MACHINE_SEED", "7")), examples=600, steps=60)
