"""Who uses up a workspace's rate limit, as far as its budget shows."""

from dataclasses import dataclass

from bridge.domain.polling.budget import Budget
from bridge.domain.times import Moment


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """The calls of the present window."""

    limit: int
    ours: int
    by_rules: int
    """Those of `ours` that were for imports that only rules watch."""
    by_others: int
    """The calls of other programs with the same Rally account, at least approximately."""
    left_to_us: int
    """The calls that this bridge may still make in the window."""


def usage_of(budget: Budget, now: Moment, *, share: float) -> Usage | None:
    """Return who has used the calls of the window at `now`; None if no window is open."""
    if not budget.window_open(now) or budget.limit is None:
        return None
    return Usage(
        limit=budget.limit,
        ours=budget.spent,
        by_rules=min(budget.spent, budget.rules_spent(now)),
        by_others=max(0, budget.limit - budget.available - budget.spent),
        left_to_us=max(0, min(budget.available, budget.allowed(share) - budget.spent)),
    )


def usage_in_words(usage: Usage) -> str:
    """Return who has used the calls, in words."""
    rules = f", {usage.by_rules} of them for rules" if usage.by_rules else ""
    used = f"this bridge has made {usage.ours} of {usage.limit} calls{rules}, other programs {usage.by_others}"
    share = "; the rest is beyond our share" if usage.ours + usage.by_others < usage.limit else ""
    return used + share
