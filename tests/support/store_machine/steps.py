"""The base class of the steps: the store, its model, and checks that several steps need."""

from collections.abc import Callable
from typing import TypeVar

from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
)

from bridge.domain.destinations import Callback, Destination, SlackWebhook
from bridge.domain.outcomes import Outcome
from bridge.domain.secret import Secret
from bridge.domain.times import SECOND, Moment
from tests.support.redis_snapshot import ImportKey, Snapshot, take_snapshot
from tests.support.store_machine.model import Model
from tests.support.store_machine.stage import Stage
from workers.digests import DigestWriter
from workers.notify_operator import OperatorNotifier
from workers.settle import Settler
from workers.summaries import SummaryWriter
from workers.sweep import Sweep

T = TypeVar("T")

POLL_LEASE = 15 * SECOND
DELIVERY_LEASE = 30 * SECOND
WORKSPACES = st.sampled_from(["default", "eu"])
IMPORTS: tuple[ImportKey, ...] = (("default", "imp"), ("default", "imp:watches"), ("eu", "imp"))
FAILED = frozenset({Outcome.FAILED})
DESTINATIONS: tuple[Destination, ...] = (
    Callback(url=Secret("https://crm.example.com/hook")),
    Callback(url=Secret("https://billing.example.com/hook"), on=FAILED),
    SlackWebhook(url=Secret("https://hooks.slack.com/services/T/B/X")),
)


class StoreSteps(RuleBasedStateMachine):
    """The store and its model."""

    def __init__(self, stage: Stage) -> None:
        super().__init__()
        stage.empty()
        self.run = stage.run
        self.resources = stage.resources
        self.store = stage.resources.store
        settler = Settler(stage.resources, on_due=lambda: None)
        operator = OperatorNotifier(stage.resources, on_due=lambda: None)
        digests = DigestWriter(stage.resources, on_due=lambda: None, on_held=lambda: None)
        summaries = SummaryWriter(stage.resources, on_due=lambda: None)
        self.sweep = Sweep(stage.resources, settler, operator, digests, summaries)
        self.model = Model()
        self.names = iter(range(10**6))
        self.fence = 0

    def snapshot(self) -> Snapshot:
        return self.run(take_snapshot(self.store))

    def now(self) -> Moment:
        return self.run(self.store.now())

    def unchanged(self, step: Callable[[], T]) -> T:
        """Run a step that must change nothing."""
        before = self.snapshot()
        result = step()
        assert self.snapshot().held == before.held
        return result

    def _raise_fence(self, fence: int) -> None:
        assert fence > self.fence, "a fence was issued twice"
        self.fence = fence
