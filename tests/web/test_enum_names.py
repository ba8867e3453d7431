"""The names that queries and bodies accept are those of the domain."""

from collections.abc import Iterator
from enum import StrEnum
from typing import Any, Literal, get_args, get_origin

import pytest

from bridge.destinations import kind
from bridge.domain.deliveries import DeliveryState
from bridge.domain.outcomes import Outcome
from bridge.domain.watches import WatchState
from bridge.web.query import DeliveriesQuery, WatchesQuery
from bridge.web.schemas.destinations import OutcomeName
from bridge.web.schemas.responses import DestinationType


def names_in(annotation: Any) -> Iterator[str]:
    """Yield the values of the Literals in an annotation."""
    if get_origin(annotation) is Literal:
        yield from get_args(annotation)
    else:
        for part in get_args(annotation):
            yield from names_in(part)


@pytest.mark.parametrize(
    ("annotation", "enum"),
    [
        (OutcomeName, Outcome),
        (WatchesQuery.model_fields["state"].annotation, WatchState),
        (WatchesQuery.model_fields["outcome"].annotation, Outcome),
        (DeliveriesQuery.model_fields["state"].annotation, DeliveryState),
    ],
)
def test_every_state_and_outcome_of_the_domain_is_accepted(annotation: Any, enum: type[StrEnum]) -> None:
    assert list(names_in(annotation)) == [each.value for each in enum]


def test_every_type_of_destination_is_described() -> None:
    assert set(names_in(DestinationType)) == set(names_in(kind.__annotations__["return"]))
