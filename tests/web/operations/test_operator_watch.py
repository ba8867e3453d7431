"""What the API itself tells the operator: that no worker is alive, and that Redis is full."""

import json
from collections.abc import AsyncIterator

import pytest
from structlog.testing import capture_logs

from bridge.domain.notices.alarms import TOLD_AFTER, AlarmKind
from bridge.metrics import process_counts
from bridge.web.operations.direct_notices import PAUSES
from bridge.web.operations.operator_watch import OperatorWatch
from tests.support.configuration import destination
from tests.support.world import SECRET, World, opened

pytestmark = pytest.mark.anyio


@pytest.fixture
async def world(redis_url: str, sandbox_url: str) -> AsyncIterator[World]:
    ops = destination("ops", "callback", f"{sandbox_url}/inbox/callbacks/ops") + f'secret = "{SECRET}"'
    async with opened(redis_url, sandbox_url, ops, OPERATOR_NOTIFY="ops") as world:
        yield world


class Looks:
    """The watch of one process, whose time the test moves."""

    def __init__(self, world: World) -> None:
        self._watch = OperatorWatch(world.resources, clock=lambda: self.at)
        self.at = 1_000.0

    async def after(self, seconds: float) -> None:
        self.at += seconds
        await self._watch.look()


async def told(world: World) -> list[str]:
    return [json.loads(each["body"])["type"] for each in await world.sandbox.messages(name="ops")]


async def test_a_missing_worker_is_told_once_by_all_processes_and_so_is_its_return(world: World) -> None:
    processes = [Looks(world), Looks(world)]
    for seconds in (0, 20, 20, 20):
        for each in processes:
            await each.after(seconds)
    missing = await told(world)
    await world.heartbeat()
    for each in processes:
        await each.after(10)

    assert missing == ["workers.missing"]
    assert await told(world) == ["workers.missing", "workers.alive"]


async def test_a_restart_of_the_only_worker_is_not_told(world: World) -> None:
    looks = Looks(world)
    await looks.after(0)
    await looks.after(TOLD_AFTER[AlarmKind.WORKERS_MISSING] / 1000 - 1)
    await world.heartbeat()
    await looks.after(10)

    assert await told(world) == []


async def test_a_full_redis_is_told_without_writing_to_it(world: World) -> None:
    await world.heartbeat()
    processes = [Looks(world), Looks(world)]
    for each in processes:
        await each.after(0)
    fresh = await told(world)
    await world.resources.store.call("CONFIG SET", "maxmemory", 1)
    try:
        for seconds in (10, 10, 10):
            for each in processes:
                await each.after(seconds)
        full = await told(world)
    finally:
        await world.resources.store.call("CONFIG SET", "maxmemory", 0)
    for each in processes:
        await each.after(10)

    assert fresh == []
    assert full == ["redis.full"]
    assert await told(world) == ["redis.full", "redis.writable"]


async def test_a_notice_that_is_rejected_is_logged_and_counted(world: World) -> None:
    await world.sandbox.set_answers("ops", {"status": 410})
    before = process_counts.notices.of("failed")
    looks = Looks(world)
    with capture_logs() as lines:
        await looks.after(0)
        await looks.after(60)

    assert [line["type"] for line in lines if line["event"] == "notice.failed"] == ["workers.missing"]
    assert process_counts.notices.of("failed") == before + 1
    assert len(PAUSES) == 2


async def test_without_a_destination_the_log_alone_says_so(redis_url: str, sandbox_url: str) -> None:
    async with opened(redis_url, sandbox_url) as world:
        looks = Looks(world)
        with capture_logs() as lines:
            await looks.after(0)
            await looks.after(60)

    assert [(line["event"], line["alarm"]) for line in lines] == [("alarm.began", "workers.missing")]
