"""Subscriptions: which outcomes a destination receives, by the name of a group or as a list."""

from collections.abc import Collection, Mapping
from typing import TypeAlias

from bridge.domain.outcomes import Outcome

Subscription: TypeAlias = frozenset[Outcome] | None
"""The outcomes that a destination receives; None stands for all."""

GROUPS: Mapping[str, Subscription] = {"always": None, "problems": frozenset(Outcome) - {Outcome.COMPLETED}}
"""The groups of outcomes, by the names that `on` takes beside lists."""


def subscription_of(on: str | Collection[str]) -> Subscription:
    """Return the subscription of a group's name or of a list of outcomes. Raise KeyError or ValueError if unknown."""
    return GROUPS[on] if isinstance(on, str) else frozenset(Outcome(outcome) for outcome in on)


def subscription_as_json(subscription: Subscription) -> str | list[str]:
    """Return the group's name, or else the outcomes in the order of their definition."""
    for name, outcomes in GROUPS.items():
        if subscription == outcomes or (outcomes is None and subscription == frozenset(Outcome)):
            return name
    return [outcome.value for outcome in Outcome if outcome in (subscription or ())]
