"""Figures: sums over time, and quantiles of distributions."""

from itertools import pairwise
from math import inf

import pytest

from bridge.domain.figures import LIMIT, OPEN, PERIODS, POLLS, Figures, growth, points, quantile, together
from bridge.domain.times import HOUR, MINUTE

NOW = 1_800_000_000_000 - 1_800_000_000_000 % HOUR + 30 * MINUTE
HOUR_BY_MINUTES = PERIODS[0]


def minute(at: int, **values: int) -> Figures:
    return Figures(at=at, length=MINUTE, values=values)


@pytest.mark.parametrize(
    ("buckets", "share", "expected"),
    [
        ([], 0.5, None),
        ([(1.0, 0)], 0.5, None),
        ([(1.0, 10)], 0.5, 0.5),
        ([(1.0, 10), (2.0, 10)], 0.5, 1.0),
        ([(1.0, 10), (2.0, 10)], 0.75, 1.5),
        ([(1.0, 0), (2.0, 10)], 0.5, 1.5),
        ([(1.0, 1), (inf, 9)], 0.95, 1.0),
    ],
)
def test_a_quantile_lies_within_its_bucket(
    buckets: list[tuple[float, int]], share: float, expected: float | None
) -> None:
    assert quantile(buckets, share) == expected


def test_a_distribution_is_read_from_its_buckets_whatever_their_order() -> None:
    figures = Figures(
        at=0, length=MINUTE, values={"delivery:inf": 0, "delivery:10": 5, "delivery:2": 5, "detection:1": 9}
    )
    assert figures.quantiles("delivery:", 0.5, 1.0) == [2, 10]
    assert figures.quantiles("detection:", 0.5) == [0.5]


def test_counts_are_summed_and_of_gauges_the_last_counts() -> None:
    total = together([minute(0, polls=2, open=5, limit=600), minute(1, polls=3, open=4)], 0, HOUR)
    assert (total.count(POLLS), total.count(OPEN), total.count(LIMIT)) == (5, 4, 600)


def test_only_what_has_grown_is_recorded() -> None:
    assert growth({"polls": 2, "delivered": 1}, {"polls": 5, "delivered": 1, "failed": 1}) == {"polls": 3, "failed": 1}


def test_an_hour_has_a_point_for_each_minute_and_the_last_is_now() -> None:
    stored = [minute(NOW - 5 * MINUTE, polls=2), minute(NOW, polls=1), minute(NOW - 2 * HOUR, polls=9)]
    shown = points(stored, HOUR_BY_MINUTES, NOW + 17)
    assert len(shown) == 60
    assert shown[-1] == Figures(at=NOW, length=MINUTE, values={"polls": 1})
    assert shown[-6].values == {"polls": 2}
    assert sum(each.count(POLLS) for each in shown) == 3


@pytest.mark.parametrize(("number", "expected"), [(0, 60), (1, 24), (2, 84)])
def test_each_period_has_as_many_points_as_a_plot_can_show(number: int, expected: int) -> None:
    period = PERIODS[number]
    shown = points([], period, NOW)
    assert len(shown) == expected
    assert shown[-1].at <= NOW < shown[-1].at + period.point
    assert all(later.at - each.at == period.point for each, later in pairwise(shown))
