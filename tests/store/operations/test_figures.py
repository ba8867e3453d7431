"""Figures in Redis: added up by minute and hour, gone after their time, and small."""

import pytest

from bridge.domain.figures import PERIODS
from bridge.domain.times import DAY, HOUR, MINUTE
from bridge.store.calls.connection import Store
from bridge.store.operations.figures import FigureHistory

pytestmark = pytest.mark.anyio

OUTCOMES = ("completed", "completed_with_failures", "failed", "not_found", "forbidden", "timed_out")
BOUNDS = ("0.5", "1", "2.5", "5", "10", "30", "60", "120", "300", "600", "1800", "inf")
BUSY = {
    **{f"ended:{each}": 1234 for each in OUTCOMES},
    **{f"{kind}:{bound}": 1234 for kind in ("detection", "delivery") for bound in BOUNDS},
    **dict.fromkeys(("polls", "delivered", "failed", "abandoned"), 123456),
}


async def test_what_several_workers_record_is_added_up(store: Store) -> None:
    history = FigureHistory(store)
    await history.record({"polls": 2}, {"open": 7})
    await history.record({"polls": 3, "delivered": 1}, {"open": 6})

    for period in (PERIODS[0], PERIODS[2]):
        (figures,) = await history.read(period, await store.now())
        assert figures.values == {"polls": 5, "delivered": 1, "open": 6}
        assert figures.at % period.stored == 0


async def test_minutes_and_hours_are_kept_apart(store: Store) -> None:
    history = FigureHistory(store)
    store.offset += HOUR - await store.now() % HOUR
    for _ in range(3):
        await history.record({"polls": 1}, {})
        store.offset += MINUTE

    assert [each.values for each in await history.read(PERIODS[0], await store.now())] == [{"polls": 1}] * 3
    assert [each.values for each in await history.read(PERIODS[2], await store.now())] == [{"polls": 3}]


async def test_figures_expire_by_themselves(store: Store) -> None:
    await FigureHistory(store).record({"polls": 1}, {})
    lifetimes = {key.split(":")[2]: await store.call("PTTL", key) for key in await store.call("KEYS", "rb:figures:*")}
    assert DAY < lifetimes["minute"] <= DAY + MINUTE
    assert 30 * DAY < lifetimes["hour"] <= 30 * DAY + HOUR


async def test_all_figures_of_a_busy_bridge_take_less_than_2_mb(store: Store) -> None:
    history = FigureHistory(store)
    await history.record(BUSY, {"open": 123456, "limit": 600})
    total = 0
    for key in await store.call("KEYS", "rb:figures:*"):
        kept = DAY // MINUTE + 1 if ":minute:" in key else 30 * DAY // HOUR + 1
        total += kept * int(await store.call("MEMORY", "USAGE", key))
    assert total < 2_000_000
