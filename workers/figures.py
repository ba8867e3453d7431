"""The figures of this worker: what it has counted since it last recorded them."""

from collections.abc import Mapping
from math import inf
from time import monotonic

from bridge.domain import figures
from bridge.domain.polling.budget import Budget
from bridge.domain.times import MINUTE
from bridge.domain.watches import WatchState
from bridge.metrics import process_counts
from bridge.metrics.counts import Distribution
from bridge.resources import Resources
from workers.poll import NOT_SENT

GAUGES_EVERY = 30.0
"""Seconds after which gauges are recorded although nothing was counted."""


class FigureRecorder:
    """Records the figures of one worker. If it dies, those of the last seconds are lost."""

    def __init__(self, resources: Resources) -> None:
        self._resources = resources
        self._recorded = counted()
        self._recorded_at = -inf

    async def record(self) -> None:
        """Record what was counted since the last call. Raises StoreUnavailable, and then records it the next time."""
        now = counted()
        grown = figures.growth(self._recorded, now)
        if not grown and monotonic() - self._recorded_at < GAUGES_EVERY:
            return
        await self._resources.figures.record(grown, await self._gauges())
        self._recorded, self._recorded_at = now, monotonic()

    async def _gauges(self) -> Mapping[str, int]:
        budgets = [await self._resources.budgets.get(name) for name in self._resources.rally]
        is_open = await self._resources.indexes.count_watches(WatchState.WATCHING)
        return {figures.OPEN: is_open, figures.LIMIT: sum(map(calls_a_minute, budgets))}


def calls_a_minute(budget: Budget) -> int:
    """Return how many calls a workspace's limit allows in a minute; 0 if it is not known."""
    return 0 if not budget.limit or not budget.window else round(budget.limit * MINUTE / budget.window)


def counted() -> Mapping[str, int]:
    """Return what this process has counted so far, under the names of figures."""
    sums: dict[str, float] = {
        figures.POLLS: sum(n for (_, answer), n in process_counts.polls.values.items() if answer != NOT_SENT)
    }
    for (_, outcome), number in process_counts.watches_settled.values.items():
        name = f"{figures.ENDED}{outcome}"
        sums[name] = sums.get(name, 0) + number
    for (_, verdict), number in process_counts.delivery_attempts.values.items():
        name = figures.DELIVERED if verdict == "accepted" else figures.FAILED_ATTEMPTS
        sums[name] = sums.get(name, 0) + number
    sums[figures.ABANDONED] = sum(process_counts.deliveries_abandoned.values.values())
    return {
        **{name: int(number) for name, number in sums.items()},
        **_buckets(figures.DETECTION, process_counts.detection_delay),
        **_buckets(figures.DELIVERY, process_counts.delivery_delay),
    }


def _buckets(name: str, distribution: Distribution) -> Mapping[str, int]:
    """Return the number in each bucket of a distribution, whatever its labels, by the bucket's upper bound."""
    bounds = (*distribution.metric.buckets, inf)
    numbers = [observed.buckets for observed in distribution.values.values()]
    return {f"{name}{bound:g}": sum(each) for bound, each in zip(bounds, zip(*numbers, strict=True), strict=False)}
