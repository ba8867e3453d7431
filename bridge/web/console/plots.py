"""Plots of figures, as numbers for SVG: bars on each other, or lines with gaps where nothing was measured."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from bridge.domain.figures import (
    ABANDONED,
    DELIVERED,
    DELIVERY,
    DETECTION,
    ENDED,
    FAILED_ATTEMPTS,
    LIMIT,
    OPEN,
    POLLS,
    Figures,
)
from bridge.domain.outcomes import Outcome
from bridge.domain.times import MINUTE, Moment
from bridge.web.console.rendering import clock, number

WIDTH, HEIGHT = 600, 120
GAP = 0.15
"""The part of the width of a bar that is left free."""
MEDIAN, SLOW = 0.5, 0.95

Value = Callable[[Figures], float | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """One series of a plot: its name, its colour as a class of the style sheet, and a value for each point."""

    name: str
    colour: str
    values: Sequence[float | None]


@dataclass(frozen=True, kw_only=True)
class Plot:
    """A plot and its values, which a table repeats."""

    title: str
    unit: str
    moments: Sequence[Moment]
    series: Sequence[Series]
    stacked: bool

    @cached_property
    def highest(self) -> float:
        """The value at the upper edge; 0 if there is nothing to show."""
        points = zip(*(each.values for each in self.series), strict=True)
        heights = (
            sum(each or 0 for each in values) if self.stacked else max(each or 0 for each in values)
            for values in points
        )
        return max(heights, default=0)

    def paths(self) -> Sequence[tuple[str, str]]:
        """Return the colour and the SVG path of each series: bars that stand on each other, or a line with gaps."""
        if not self.stacked:
            return [(each.colour, self._line(each)) for each in self.series]
        tops = [float(HEIGHT)] * len(self.moments)
        return [(each.colour, self._bars(each, tops)) for each in self.series]

    def _bars(self, series: Series, tops: list[float]) -> str:
        """Return the bars of a series; each stands on the top of the one below, and is the next top."""
        step = WIDTH / len(self.moments)
        path = ""
        for index, value in enumerate(series.values):
            if value:
                x, bottom = round((index + GAP / 2) * step, 1), tops[index]
                tops[index] = top = round(bottom - HEIGHT * value / self.highest, 1)
                path += f"M{x} {bottom}V{top}h{round(step * (1 - GAP), 1)}V{bottom}z"
        return path

    def _line(self, series: Series) -> str:
        """Return a line with a level stroke for each value."""
        step = WIDTH / len(self.moments)
        path, is_on = "", False
        for index, value in enumerate(series.values):
            if value is not None:
                y = round(HEIGHT - HEIGHT * value / (self.highest or 1), 1)
                start, end = round((index + GAP) * step, 1), round((index + 1 - GAP) * step, 1)
                path += f"{'L' if is_on else 'M'}{start} {y}H{end}"
            is_on = value is not None
        return path

    def rows(self) -> Iterator[Sequence[str]]:
        """Yield the points at which something was measured: the time, and the value of each series."""
        columns = zip(*(each.values for each in self.series), strict=True)
        for at, values in zip(self.moments, columns, strict=True):
            if any(values):
                yield [clock(at), *map(number, values)]


_OUTCOMES = {
    Outcome.COMPLETED: "good",
    Outcome.COMPLETED_WITH_FAILURES: "warn",
    Outcome.FAILED: "bad",
    Outcome.NOT_FOUND: "other1",
    Outcome.FORBIDDEN: "other2",
    Outcome.TIMED_OUT: "other3",
}


def plots(figures: Sequence[Figures]) -> Sequence[Plot]:
    """Return the plots of the overview."""
    moments = [each.at for each in figures]

    def series(name: str, colour: str, value: Value) -> Series:
        return Series(name=name, colour=colour, values=[value(each) for each in figures])

    ended = [series(outcome.value.replace("_", " "), colour, _ended(outcome)) for outcome, colour in _OUTCOMES.items()]
    deliveries = [
        series("delivered", "good", lambda each: each.count(DELIVERED)),
        series("failed attempts", "warn", lambda each: each.count(FAILED_ATTEMPTS)),
        series("abandoned", "bad", lambda each: each.count(ABANDONED)),
    ]
    calls = [
        series("calls", "first", lambda each: each.count(POLLS)),
        series("limit", "limit", _limit),
    ]
    is_open = [series("open", "first", lambda each: each.values.get(OPEN))]
    return [
        Plot(title="Ended watches", unit="", moments=moments, series=ended, stacked=True),
        Plot(title="Open watches", unit="", moments=moments, series=is_open, stacked=False),
        Plot(title="Detection delay", unit="s", moments=moments, series=_delays(figures, DETECTION), stacked=False),
        Plot(title="Calls of Rally", unit="", moments=moments, series=calls, stacked=False),
        Plot(title="Deliveries", unit="", moments=moments, series=deliveries, stacked=True),
        Plot(title="Delivery delay", unit="s", moments=moments, series=_delays(figures, DELIVERY), stacked=False),
    ]


def _ended(outcome: Outcome) -> Value:
    return lambda figures: figures.count(f"{ENDED}{outcome.value}")


def _limit(figures: Figures) -> float | None:
    """Return how many calls the limits allow in the time of the figures; None if that is not known."""
    a_minute = figures.count(LIMIT)
    return a_minute * figures.length / MINUTE if a_minute else None


def _delays(figures: Sequence[Figures], name: str) -> Sequence[Series]:
    found = [each.quantiles(name, MEDIAN, SLOW) for each in figures]
    return [
        Series(name="p50", colour="first", values=[median for median, _ in found]),
        Series(name="p95", colour="second", values=[slow for _, slow in found]),
    ]
