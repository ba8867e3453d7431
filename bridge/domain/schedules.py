"""When to ask again: how the pause grows with an import's age, and after faults of the line."""

import math
from dataclasses import dataclass

from bridge.domain.times import SECOND, Span


@dataclass(frozen=True, slots=True, kw_only=True)
class PollSchedule:
    """At once, then after `clamp(growth × √age, floor, ceiling)`; ages and pauses in ms, the formula in seconds.

    For durations whose hazard falls with age, intervals in proportion to its inverse square root minimise the delay
    for a given number of calls.
    """

    floor: Span
    ceiling: Span
    growth: float

    def interval(self, age: Span) -> Span:
        """Give the pause before the next poll of an import whose first watch is `age` old, without jitter."""
        wish = self.growth * math.sqrt(max(0, age) / SECOND) * SECOND
        return int(min(max(wish, self.floor), self.ceiling))

    def pause(self, age: Span, *, faults: int, jitter: float) -> Span:
        """Give the pause with jitter (0 to 1: up to a tenth more, never less).

        Each fault in a row doubles it, up to the ceiling.
        """
        interval = self.interval(age)
        backed_off = min(interval << min(faults, 10), max(self.ceiling, interval))
        return backed_off + int(backed_off * jitter / 10)


SHORTEST_TIER: Span = 4 * SECOND
"""Pauses shorter than this are of tier 0; the pauses of each further tier are shorter than twice as much."""
TIERS = 16
"""The last tier also has all longer pauses."""


def tier_of(pause: Span) -> int:
    """Return the tier of a pause: pauses of one tier are alike to within a factor of two.

    When more imports are due than the budget allows, the one with the greatest lateness / √pause is polled first. Its
    order changes while they wait, but only between tiers: within one, the import that is due first is polled first.
    """
    return min(max(0, pause * 2 // SHORTEST_TIER).bit_length() or 1, TIERS) - 1
