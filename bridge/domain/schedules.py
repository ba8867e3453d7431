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

    def pause(self, age: Span, *, faults: int, jitter: float, stretch: float = 1.0) -> Span:
        """Give the pause with jitter (0 to 1: up to a tenth more, never less).

        Each fault in a row doubles it, up to the ceiling; `stretch` lengthens all intervals alike under pressure.
        """
        interval = self.interval(age)
        backed_off = min(interval << min(faults, 10), max(self.ceiling, interval))
        stretched = int(backed_off * max(1.0, stretch))
        return stretched + int(stretched * jitter / 10)
