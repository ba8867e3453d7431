"""The figures that a worker records of what it has counted."""

import pytest

from bridge.domain.figures import DELIVERY, PERIODS
from bridge.domain.polling.budget import Budget
from bridge.domain.times import HOUR, MINUTE
from tests.support.world import World
from workers.figures import FigureRecorder, calls_a_minute

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize(
    ("budget", "expected"),
    [
        (Budget(), 0),
        (Budget(limit=600, window=MINUTE), 600),
        (Budget(limit=600, window=HOUR), 10),
        (Budget(limit=600), 0),
    ],
)
def test_a_limit_is_told_by_the_minute(budget: Budget, expected: int) -> None:
    assert calls_a_minute(budget) == expected


async def test_a_worker_records_what_it_has_done_since_the_last_time(world: World) -> None:
    recorder = FigureRecorder(world.resources)
    await world.sandbox.set_import("imp", ("COMPLETED", 0))
    await world.sandbox.set_answers("gone", {"status": 410})
    notify = [{"type": "callback", "url": world.sandbox.callback_url(name)} for name in ("crm", "gone")]
    await world.watch(notify=notify)
    await world.poll()
    await world.deliver()
    await world.watch("open")

    await recorder.record()
    await recorder.record()

    (figures,) = await world.resources.figures.read(PERIODS[2], await world.resources.store.now())
    assert figures.ended() == {"completed": 1}
    assert {name: figures.count(name) for name in ("polls", "delivered", "failed", "abandoned", "open")} == {
        "polls": 1,
        "delivered": 1,
        "failed": 1,
        "abandoned": 1,
        "open": 1,
    }
    assert figures.quantiles(DELIVERY, 0.5) != [None]


async def test_an_idle_worker_records_nothing_again_for_a_while(world: World) -> None:
    recorder = FigureRecorder(world.resources)
    await recorder.record()
    world.pass_time(2 * MINUTE)
    await recorder.record()
    assert len(await world.resources.store.call("KEYS", "rb:figures:minute:*")) == 1
