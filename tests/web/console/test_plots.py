"""Plots: bars on each other, and lines with gaps."""

from bridge.domain.figures import PERIODS, Figures, points
from bridge.domain.times import MINUTE
from bridge.web.console.plots import HEIGHT, WIDTH, Plot, Series, plots

NOW = 1_800_000_000_000


def plot(*values: tuple[float | None, ...], stacked: bool) -> Plot:
    series = [Series(name=str(number), colour="good", values=each) for number, each in enumerate(values)]
    return Plot(title="t", unit="", moments=range(len(values[0])), series=series, stacked=stacked)


def test_bars_of_one_point_stand_on_each_other() -> None:
    shown = plot((1, 0, 4), (3, 0, 0), stacked=True)
    (_, first), (_, second) = shown.paths()
    assert shown.highest == 4
    assert first == "M15.0 120.0V90.0h170.0V120.0zM415.0 120.0V0.0h170.0V120.0z"
    assert second == "M15.0 90.0V0.0h170.0V90.0z"
    assert (WIDTH, HEIGHT) == (600, 120)


def test_a_line_has_gaps_where_nothing_was_measured() -> None:
    shown = plot((1.0, None, 2.0, 2.0), stacked=False)
    ((_, path),) = shown.paths()
    assert path == "M22.5 60.0H127.5M322.5 0.0H427.5L472.5 0.0H577.5"
    assert [value for _, value in shown.rows()] == ["1", "2", "2"]


def test_a_plot_without_values_is_empty() -> None:
    for shown in (plot((0, 0), stacked=True), plot((None, None), stacked=False)):
        assert shown.highest == 0
        assert shown.paths() == [("good", "")]
        assert list(shown.rows()) == []


def test_the_overview_plots_every_figure() -> None:
    values = {
        "ended:completed": 3,
        "ended:failed": 1,
        "polls": 30,
        "limit": 600,
        "delivered": 4,
        "abandoned": 1,
        "open": 9,
        "detection:5": 2,
        "delivery:1": 2,
    }
    period = PERIODS[0]
    stored = [Figures(at=NOW - NOW % MINUTE, length=MINUTE, values=values)]
    shown = {each.title: each for each in plots(points(stored, period, NOW))}
    assert list(shown) == [
        "Ended watches",
        "Open watches",
        "Detection delay",
        "Calls of Rally",
        "Deliveries",
        "Delivery delay",
    ]
    assert shown["Ended watches"].highest == 4
    assert list(shown["Calls of Rally"].rows())[-1][1:] == ["30", "600"]
    assert list(shown["Detection delay"].rows())[-1][1:] == ["2.5", "4.8"]
