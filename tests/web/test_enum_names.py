"""The names that bodies accept, where they are written out, are those of the domain."""

from typing import get_args

from bridge.destinations import kind
from bridge.domain.subscriptions import GROUPS
from bridge.web.schemas.destinations import DESTINATIONS
from bridge.web.schemas.mentions import OutcomeGroup
from bridge.web.schemas.responses import DestinationType


def test_every_type_of_destination_is_described_and_accepted() -> None:
    kinds = set(get_args(kind.__annotations__["return"]))
    assert set(get_args(DestinationType)) == DESTINATIONS.keys() == kinds


def test_every_group_of_outcomes_is_accepted() -> None:
    assert set(get_args(OutcomeGroup)) == GROUPS.keys()
