"""When to ask again: how the pause grows with an import's age, after answers of no use, and in an outage."""

import math
from dataclasses import dataclass

from bridge.domain.times import SECOND, Span

SHORTEST_RETRY: Span = SECOND
LONGEST_RETRY: Span = 15 * SECOND
RETRY_GROWTH = 1.25
"""Each fault of the line in a row makes the pause this many times longer: about a quarter of the outage so far."""
MOST_GROWTH = 20
"""More faults in a row than this change nothing; it keeps the power small."""


def outage_pause(outage: Span, *, jitter: float) -> Span:
    """Return how long to leave a line alone that has been at fault for `outage`: a quarter of that, within bounds.

    `jitter` (0 to 1) takes up to a tenth off.
    """
    pause = min(outage // 4, LONGEST_RETRY)
    return max(SHORTEST_RETRY, pause - int(pause * jitter / 10))


def retry_pause(faults: int, *, jitter: float) -> Span:
    """Return how long one import waits after this many faults of the line in a row (1 or more)."""
    outage = 4 * SHORTEST_RETRY * RETRY_GROWTH ** min(faults - 1, MOST_GROWTH)
    return outage_pause(int(outage), jitter=jitter)


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

        Each answer in a row that could not be used doubles it, up to the ceiling.
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
