"""What a worker counts of its polls and deliveries."""

import pytest

from bridge.metrics import process_counts
from bridge.metrics.counts import Count, Distribution, Labels
from tests.support.world import World

pytestmark = pytest.mark.anyio

COUNTED: list[tuple[Count | Distribution, Labels]] = [
    (process_counts.polls, ("default", "read")),
    (process_counts.poll_lateness, ("default",)),
    (process_counts.detection_delay, ("default",)),
    (process_counts.watches_settled, ("default", "completed")),
    (process_counts.delivery_attempts, ("callback", "accepted")),
    (process_counts.delivery_attempts, ("callback", "rejected")),
    (process_counts.deliveries_abandoned, ("callback",)),
    (process_counts.delivery_delay, ("callback",)),
]


def values() -> list[float]:
    return [series.of(*labels) if isinstance(series, Count) else series.count(*labels) for series, labels in COUNTED]


async def test_polls_ends_and_attempts_are_counted(world: World) -> None:
    await world.sandbox.set_answers("gone", {"status": 410})
    await world.sandbox.set_import("imp", ("UPLOADING", 0))
    notify = [{"type": "callback", "url": world.sandbox.callback_url(name)} for name in ("gone", "crm")]
    await world.watch(notify=notify)
    before = values()
    await world.poll()
    await world.sandbox.set_import("imp", ("COMPLETED", 0))
    world.pass_time(60_000)
    await world.poll()
    await world.deliver()

    grown = [now - was for now, was in zip(values(), before, strict=True)]
    assert grown == [2, 2, 1, 1, 1, 1, 1, 1]


async def test_a_round_of_each_shift_is_measured(world: World) -> None:
    before = {name: process_counts.shift_round.count(name) for name in ("poll", "deliver", "gate", "rules")}
    await world.poll()
    await world.apply_rules()
    await world.deliver()

    assert all(process_counts.shift_round.count(name) > count for name, count in before.items())
