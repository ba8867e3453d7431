"""Tiers: imports whose pauses are alike, as classes for the order of polls.

The order itself is computed in Redis, by `bridge/store/scripts/shared/poll_order.lua`.
"""

from bridge.domain.times import SECOND, Span

SHORTEST_TIER: Span = 4 * SECOND
"""The bound of tier 0, which has the shorter pauses; each further tier doubles the bound."""
TIERS = 16
"""The number of tiers; the last one also has all longer pauses."""


def tier_of(pause: Span) -> int:
    """Return the tier of a pause; pauses of the same tier differ by less than a factor of two.

    When more imports are due than the budget allows, those with the greatest lateness / √pause are polled first. That
    order changes over time only between tiers: within a tier, the import that is due first is polled first.
    """
    return min(max(0, pause * 2 // SHORTEST_TIER).bit_length() or 1, TIERS) - 1
