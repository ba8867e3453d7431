"""Precedence: a rule's delivery is skipped if an explicit watch of the same import tells the same destination."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

from bridge.domain.delivery.deliveries import DeliveryState
from bridge.domain.outcomes import Outcome
from bridge.domain.subscriptions import Subscription
from bridge.domain.times import SECOND, Span
from bridge.domain.watches import WatchState

HOLD: Span = 30 * SECOND
"""How long after the push a rule's delivery waits for an explicit watch: a tool may register its import too late."""
LOOK_AGAIN: Span = 5 * SECOND
"""How often a held delivery is looked at while an explicit watch of its import is open."""
TOLD_BY = frozenset({DeliveryState.PENDING, DeliveryState.DELIVERED})


@dataclass(frozen=True, slots=True, kw_only=True)
class ExplicitDestination:
    """A destination of an explicit watch, with its delivery if the watch has ended."""

    receiver: str
    on: Subscription = None
    delivery_id: str | None = None
    state: DeliveryState | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ExplicitWatch:
    """A watch of a client, about the import of a rule's delivery."""

    id: str
    state: WatchState
    outcome: Outcome | None = None
    destinations: Sequence[ExplicitDestination] = ()


@dataclass(frozen=True, slots=True)
class Release:
    """No explicit watch tells the destination: the rule's delivery is sent."""


@dataclass(frozen=True, slots=True)
class LookAgain:
    """An explicit watch is open that will tell the destination."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Skip:
    """The delivery of an explicit watch tells the destination."""

    watch_id: str
    delivery_id: str

    @property
    def reason(self) -> str:
        return f"the watch {self.watch_id} tells this destination"


Decision: TypeAlias = Release | LookAgain | Skip


def decide(receiver: str, outcome: Outcome, explicit: Sequence[ExplicitWatch]) -> Decision:
    """Return what happens to a rule's held delivery, in view of all explicit watches of its import.

    A watch that ended otherwise, such as by its expiry before the import ended, has not told the same.
    """
    for watch in explicit:
        for destination in watch.destinations:
            told = watch.outcome is outcome and destination.state in TOLD_BY
            if told and destination.receiver == receiver and destination.delivery_id is not None:
                return Skip(watch_id=watch.id, delivery_id=destination.delivery_id)
    if any(_will_tell(watch, receiver, outcome) for watch in explicit):
        return LookAgain()
    return Release()


def _will_tell(watch: ExplicitWatch, receiver: str, outcome: Outcome) -> bool:
    return watch.state is WatchState.WATCHING and any(
        each.receiver == receiver and (each.on is None or outcome in each.on) for each in watch.destinations
    )
