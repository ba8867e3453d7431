"""The groups of outcomes, and how a subscription is written."""

import pytest

from bridge.domain.outcomes import Outcome
from bridge.domain.subscriptions import GROUPS, subscription_as_json, subscription_of


def test_problems_are_every_outcome_but_completed() -> None:
    assert GROUPS["problems"] == frozenset(Outcome) - {Outcome.COMPLETED}


@pytest.mark.parametrize(
    ("on", "shown"),
    [
        ("always", "always"),
        ("problems", "problems"),
        (["failed", "completed"], ["completed", "failed"]),
        (["timed_out", "forbidden", "not_found", "failed", "completed_with_failures"], "problems"),
        ([each.value for each in Outcome], "always"),
    ],
)
def test_a_subscription_is_written_in_its_shortest_form(on: str | list[str], shown: str | list[str]) -> None:
    assert subscription_as_json(subscription_of(on)) == shown


@pytest.mark.parametrize("on", ["sometimes", ["finished"]])
def test_an_unknown_group_or_outcome_is_refused(on: str | list[str]) -> None:
    with pytest.raises((KeyError, ValueError)):
        subscription_of(on)
