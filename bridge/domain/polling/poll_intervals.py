"""The pause before the next poll: by the age of an import, after unusable answers, during an outage, after a push."""

import math
from dataclasses import dataclass

from bridge.domain.times import SECOND, Span

SHORTEST_RETRY: Span = SECOND
LONGEST_RETRY: Span = 15 * SECOND
RETRY_GROWTH = 1.25
"""The pause of an import grows by this factor with each consecutive connection fault."""
MOST_GROWTH = 20
"""The largest exponent, which avoids huge numbers."""

FOLLOW_UPS: tuple[Span, ...] = (SECOND, 3 * SECOND, 10 * SECOND)
"""The pauses after the first polls that follow a push and find the import unfinished: Rally may show the end late."""


def outage_pause(outage: Span, *, jitter: float) -> Span:
    """Return the pause after connections have failed for `outage`: a quarter of it, within bounds.

    `jitter` (0 to 1) shortens it by up to a tenth.
    """
    pause = min(outage // 4, LONGEST_RETRY)
    return max(SHORTEST_RETRY, pause - int(pause * jitter / 10))


def retry_pause(faults: int, *, jitter: float) -> Span:
    """Return the pause of one import after this many consecutive connection faults (1 or more)."""
    outage = 4 * SHORTEST_RETRY * RETRY_GROWTH ** min(faults - 1, MOST_GROWTH)
    return outage_pause(int(outage), jitter=jitter)


@dataclass(frozen=True, slots=True, kw_only=True)
class PollIntervals:
    """Poll at once, then after `clamp(growth × √age, floor, ceiling)`: ages and pauses in ms, the formula in seconds.

    For durations with a decreasing hazard rate, intervals proportional to its inverse square root minimise the delay
    for a given number of polls.
    """

    floor: Span
    ceiling: Span
    growth: float

    def interval(self, age: Span) -> Span:
        """Return the pause, without jitter, before the next poll of an import whose first watch is `age` old."""
        interval = self.growth * math.sqrt(max(0, age) / SECOND) * SECOND
        return int(min(max(interval, self.floor), self.ceiling))

    def pause(self, age: Span, *, faults: int, jitter: float) -> Span:
        """Return the pause before the next poll, which `jitter` (0 to 1) lengthens by up to a tenth.

        Each consecutive unusable answer doubles it, up to the ceiling.
        """
        interval = self.interval(age)
        backed_off = min(interval << min(faults, 10), max(self.ceiling, interval))
        return backed_off + int(backed_off * jitter / 10)
