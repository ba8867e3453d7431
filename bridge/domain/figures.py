"""Figures: what happened in a minute or an hour, summed over all workers, for the plots of the console."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import inf
from typing import TypeAlias

from bridge.domain.times import DAY, HOUR, MINUTE, Moment, Span

Increments: TypeAlias = Mapping[str, int]
"""How much each count has grown, by its name: `ended:failed`, `polls`, `detection:2.5`."""

MINUTES_KEPT: Span = DAY
HOURS_KEPT: Span = 30 * DAY
ENDED = "ended:"
"""Before an outcome: the watches that ended so."""
POLLS = "polls"
DELIVERED = "delivered"
FAILED_ATTEMPTS = "failed"
ABANDONED = "abandoned"
DETECTION = "detection:"
"""Before the upper bound of a bucket, in seconds: the ends of imports that were seen with a delay in that bucket."""
DELIVERY = "delivery:"
"""Before the upper bound of a bucket, in seconds: deliveries, by the time since their watch ended."""
OPEN = "open"
"""The open watches at the last record; not a sum."""
LIMIT = "limit"
"""The calls that the limits of all workspaces allow in a minute; not a sum."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """The figures of one minute or hour, or of several together; `at` is their beginning."""

    at: Moment
    length: Span
    values: Mapping[str, int]

    def count(self, name: str) -> int:
        return self.values.get(name, 0)

    def ended(self) -> Mapping[str, int]:
        """Return the number of ended watches by outcome."""
        return {name.removeprefix(ENDED): n for name, n in self.values.items() if name.startswith(ENDED)}

    def quantiles(self, name: str, *shares: float) -> list[float | None]:
        """Return the values in seconds below which these shares of a distribution lie; None if it is empty."""
        buckets = sorted([(float(key[len(name) :]), n) for key, n in self.values.items() if key.startswith(name)])
        return [quantile(buckets, share) for share in shares]


def quantile(buckets: Sequence[tuple[float, int]], share: float) -> float | None:
    """Return a quantile of a distribution, given as upper bounds and numbers; linear within a bucket.

    Of the last bucket, which has no bound, only its beginning is known.
    """
    wanted = share * sum(number for _, number in buckets)
    below, lower = 0, 0.0
    for bound, number in buckets:
        if below + number >= wanted and number:
            return lower if bound == inf else lower + (bound - lower) * (wanted - below) / number
        below, lower = below + number, bound
    return None


def together(figures: Sequence[Figures], at: Moment, length: Span) -> Figures:
    """Return the sum of figures, oldest first; of what is no sum, the last value."""
    values: dict[str, int] = {}
    for each in figures:
        for name, value in each.values.items():
            values[name] = value if name in {OPEN, LIMIT} else values.get(name, 0) + value
    return Figures(at=at, length=length, values=values)


def growth(before: Mapping[str, int], now: Mapping[str, int]) -> Increments:
    """Return by how much counts have grown."""
    return {name: value - before.get(name, 0) for name, value in now.items() if value > before.get(name, 0)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """A period that the console shows: its length, that of each point, and that of the stored figures."""

    name: str
    length: Span
    point: Span
    stored: Span

    @property
    def kept(self) -> Span:
        """How long such figures are kept."""
        return MINUTES_KEPT if self.stored == MINUTE else HOURS_KEPT


PERIODS = (
    Period(name="1 h", length=HOUR, point=MINUTE, stored=MINUTE),
    Period(name="24 h", length=DAY, point=HOUR, stored=HOUR),
    Period(name="7 d", length=7 * DAY, point=2 * HOUR, stored=HOUR),
)


def points(stored: Iterable[Figures], period: Period, end: Moment) -> list[Figures]:
    """Return the figures of each point of a period, oldest first; the last one is not over at its end."""
    last = end - end % period.point
    starts = range(last - period.length + period.point, last + 1, period.point)
    by_start: dict[Moment, list[Figures]] = {start: [] for start in starts}
    for each in stored:
        if (group := by_start.get(each.at - each.at % period.point)) is not None:
            group.append(each)
    return [together(group, start, period.point) for start, group in by_start.items()]
