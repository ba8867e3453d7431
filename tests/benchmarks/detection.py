"""Detection: the delay until an end is detected, next to the best possible schedule with as many calls.

Imports are simulated and polled by the product's schedule. A dynamic programme over a fine grid gives the best schedule
for the same distribution; a fixed interval with as many calls is the usual alternative. One import is drawn from each
of 10,000 equal parts of the distribution, because independent draws would vary by three times the effect of 10% jitter.
"""

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist, fmean, median
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from bridge.domain.polling.poll_intervals import PollIntervals
from bridge.domain.times import MINUTE, SECOND
from tests.benchmarks.stage import row

MIXTURE = ((0.70, 15.0, 0.8), (0.25, 240.0, 1.0), (0.05, 1500.0, 0.6))
"""Share, median in seconds and sigma of each lognormal: most imports are quick, some long, a few very long."""
NORMAL = NormalDist()
IMPORTS = 10_000
SOON = 600.0
"""Seconds: the longest import in the comparison without the tail."""
SCHEDULE = PollIntervals(floor=3 * SECOND, ceiling=MINUTE, growth=1.0)

Grid: TypeAlias = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Detection:
    """The result of a schedule: calls per import, and delays in seconds."""

    calls: float
    delays: tuple[float, ...]

    @property
    def mean(self) -> float:
        return fmean(self.delays)

    @property
    def median(self) -> float:
        return median(self.delays)


def durations(rng: random.Random, count: int = IMPORTS) -> list[float]:
    drawn = []
    for share, middle, sigma in MIXTURE:
        number = round(share * count)
        parts = [(part + rng.random()) / number for part in range(number)]
        drawn += [middle * math.exp(sigma * NORMAL.inv_cdf(part)) for part in parts]
    return drawn


def ours(ends: Sequence[float], rng: random.Random) -> Detection:
    """Poll like the product: at once, then after the pauses of its schedule, with jitter."""
    calls, delays = 0, []
    for end in ends:
        age = 0
        calls += 1
        while age < end * SECOND:
            age += SCHEDULE.pause(age, faults=0, jitter=rng.random())
            calls += 1
        delays.append(age / SECOND - end)
    return Detection(calls=calls / len(ends), delays=tuple(delays))


def at(times: Sequence[float], ends: Sequence[float]) -> Detection:
    """Poll at once and at these times."""
    index = np.searchsorted(np.asarray(times), np.asarray(ends), side="left")
    found = np.asarray(times)[np.minimum(index, len(times) - 1)]
    return Detection(calls=float(fmean(index + 2)), delays=tuple(found - np.asarray(ends)))


def fixed(ends: Sequence[float], calls: float) -> Detection:
    """Poll at a fixed interval that makes as many calls."""
    low, high = 0.5, 600.0
    for _ in range(40):
        interval = (low + high) / 2
        made = fmean(math.ceil(end / interval) + 1 for end in ends)
        low, high = (interval, high) if made > calls else (low, interval)
    times = np.arange(1, int(max(ends) / high) + 3) * high
    return at(list(times), ends)


def best(ends: Sequence[float], calls: float) -> Detection:
    """Poll by the best schedule for the distribution, with the price of a call that leads to as many calls."""
    grid = np.concatenate([np.arange(0, 600, 0.5), np.arange(600, 3600, 2), np.arange(3600, 40_001, 40)])
    low, high = 1e-3, 1e4
    for _ in range(40):
        price = math.sqrt(low * high)
        found = at(_best_for(grid, price), ends)
        low, high = (price, high) if found.calls > calls else (low, price)
    return at(_best_for(grid, high), ends)


def _best_for(grid: Grid, price: float) -> list[float]:
    """Minimise expected delay + price × calls, from the last moment backwards.

    From a poll at t that found it unfinished to one at s: the call is made if the import lasts beyond t, and an end
    at x in between is detected s - x late. With F the distribution and G its integral, that delay is G(s) - G(t) -
    (s - t) × F(t).
    """
    cdf = cumulated(grid)
    integral = np.concatenate([[0.0], np.cumsum(np.diff(grid) * (cdf[1:] + cdf[:-1]) / 2)])
    to_go = np.zeros(len(grid))
    follows = np.full(len(grid), len(grid) - 1)
    for i in range(len(grid) - 2, -1, -1):
        reach = slice(i + 1, min(len(grid), i + 1500))
        delay = integral[reach] - integral[i] - (grid[reach] - grid[i]) * cdf[i]
        cost = price * (1 - cdf[i]) + delay + to_go[reach]
        choice = int(np.argmin(cost))
        to_go[i], follows[i] = cost[choice], i + 1 + choice
    times, i = [], 0
    while i < len(grid) - 1:
        i = int(follows[i])
        times.append(float(grid[i]))
    return times


def cumulated(grid: Grid) -> Grid:
    total = np.zeros(len(grid))
    with np.errstate(divide="ignore"):
        logs = np.log(grid)
    for share, middle, sigma in MIXTURE:
        z = (logs - math.log(middle)) / (sigma * math.sqrt(2))
        total += share * 0.5 * (1 + np.vectorize(math.erf)(z))
    return total


def run(seed: int) -> tuple[Detection, Detection, Detection]:
    """Simulate our, the best and the fixed schedule on the same imports."""
    rng = random.Random(seed)
    ends = durations(rng)
    mine = ours(ends, rng)
    return mine, best(ends, mine.calls), fixed(ends, mine.calls)


def run_without_tail(seed: int) -> tuple[Detection, Detection]:
    """Simulate our and the fixed schedule on only the imports that end soon."""
    rng = random.Random(seed)
    ends = [end for end in durations(rng) if end <= SOON]
    mine = ours(ends, rng)
    return mine, fixed(ends, mine.calls)


def main() -> None:
    print("seed   calls   mean delay: ours   best  fixed   ours/best  ours/fixed   median ours/fixed")
    ratios = []
    for seed in range(5):
        mine, top, other = run(seed)
        ratios.append((mine.mean / top.mean, mine.mean / other.mean, mine.median / other.median))
        print(
            f"{seed:4}  {mine.calls:6.2f}  {mine.mean:17.2f} {top.mean:6.2f} {other.mean:6.2f}"
            f"   {ratios[-1][0]:9.3f}  {ratios[-1][1]:10.3f}   {ratios[-1][2]:17.3f}"
            f"   (calls {top.calls:.2f} {other.calls:.2f})"
        )
    to_best, to_fixed, median_to_fixed = (median(each) for each in zip(*ratios, strict=True))
    row("mean delay / the best schedule's", f"{to_best:.3f}", "goal ≤ 1.15")
    row("mean delay / a fixed interval's", f"{to_fixed:.3f}", "goal ≤ 0.8")
    row("median delay / a fixed interval's", f"{median_to_fixed:.3f}", "goal ≤ 0.5")
    cut = [run_without_tail(seed) for seed in range(5)]
    soon = f"imports that end within {SOON / 60:.0f} minutes"
    row(f"mean delay / a fixed interval's, {soon}", f"{median(mine.mean / other.mean for mine, other in cut):.3f}")
    row(
        f"median delay / a fixed interval's, {soon}", f"{median(mine.median / other.median for mine, other in cut):.3f}"
    )


if __name__ == "__main__":
    main()
