"""Precedence: what happens to a rule's held delivery, in view of the explicit watches of its import."""

import pytest

from bridge.domain.delivery.deliveries import DeliveryState
from bridge.domain.outcomes import Outcome
from bridge.domain.rules.precedence import (
    Decision,
    ExplicitDestination,
    ExplicitWatch,
    LookAgain,
    Release,
    Skip,
    decide,
)
from bridge.domain.watches import WatchState


def ended(
    state: DeliveryState, receiver: str = "C1", outcome: Outcome = Outcome.FAILED, watch_id: str = "wat_1"
) -> ExplicitWatch:
    destination = ExplicitDestination(receiver=receiver, delivery_id="dlv_1", state=state)
    return ExplicitWatch(id=watch_id, state=WatchState.SETTLED, outcome=outcome, destinations=[destination])


def watching(receiver: str = "C1", on: frozenset[Outcome] | None = None) -> ExplicitWatch:
    destination = ExplicitDestination(receiver=receiver, on=on)
    return ExplicitWatch(id="wat_2", state=WatchState.WATCHING, destinations=[destination])


SKIPPED = Skip(watch_id="wat_1", delivery_id="dlv_1")


@pytest.mark.parametrize(
    ("explicit", "decision"),
    [
        ([], Release()),
        ([ended(DeliveryState.PENDING)], SKIPPED),
        ([ended(DeliveryState.DELIVERED)], SKIPPED),
        ([ended(DeliveryState.ABANDONED)], Release()),
        ([ended(DeliveryState.SKIPPED)], Release()),
        ([ended(DeliveryState.DELIVERED, receiver="C2")], Release()),
        ([ended(DeliveryState.DELIVERED, outcome=Outcome.TIMED_OUT)], Release()),
        ([watching()], LookAgain()),
        ([watching(on=frozenset({Outcome.FAILED}))], LookAgain()),
        ([watching(on=frozenset({Outcome.COMPLETED}))], Release()),
        ([watching(receiver="C2")], Release()),
        ([watching(), ended(DeliveryState.PENDING)], SKIPPED),
        ([ended(DeliveryState.ABANDONED), watching()], LookAgain()),
        ([ExplicitWatch(id="wat_3", state=WatchState.CANCELLED)], Release()),
    ],
)
def test_an_explicit_watch_that_tells_the_destination_takes_precedence(
    explicit: list[ExplicitWatch], decision: Decision
) -> None:
    assert decide("C1", Outcome.FAILED, explicit) == decision


def test_a_cancelled_watch_tells_nothing_even_if_it_named_the_destination() -> None:
    cancelled = ExplicitWatch(id="wat_3", state=WatchState.CANCELLED, destinations=[ExplicitDestination(receiver="C1")])

    assert decide("C1", Outcome.FAILED, [cancelled]) == Release()
