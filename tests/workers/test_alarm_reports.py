"""Alarms are told once when they begin and once when they end; and the heartbeat for another service."""

import json
from collections.abc import AsyncIterator

import pytest
from structlog.testing import capture_logs

from bridge.domain.polling.budget import Budget
from bridge.domain.times import MINUTE
from tests.support.configuration import destination
from tests.support.world import SECRET, World, opened
from workers.alarm_reports import EVERY

pytestmark = pytest.mark.anyio


@pytest.fixture
async def world(redis_url: str, sandbox_url: str) -> AsyncIterator[World]:
    ops = destination("ops", "callback", f"{sandbox_url}/inbox/callbacks/ops") + f'secret = "{SECRET}"'
    beat = f"{sandbox_url}/inbox/callbacks/beat"
    async with opened(redis_url, sandbox_url, ops, OPERATOR_NOTIFY="ops", OPERATOR_HEARTBEAT_URL=beat) as world:
        yield world


async def accept_all(world: World) -> None:
    """Let the receivers of the operator accept everything: their clocks do not fit after a test has moved ours."""
    for name in ("ops", "beat"):
        await world.sandbox.set_answers(name, *[{"status": 204}] * 20)


async def report(world: World) -> None:
    """Let a worker look for alarms, as often as that is due, and deliver its notices."""
    await world.resources.store.call("DEL", "rb:turn:alarms", "rb:turn:heartbeat")
    await world.sweep()
    await world.deliver()


async def told(world: World) -> list[str]:
    """Return the types of the notices that arrived."""
    return [json.loads(each["body"])["type"] for each in await world.sandbox.messages(name="ops")]


async def test_a_receiver_that_fails_is_told_at_its_fourth_attempt_and_when_it_recovers(world: World) -> None:
    await accept_all(world)
    await world.sandbox.set_answers("crm", *[{"status": 503}] * 5, {"status": 204})
    await world.sandbox.set_import("imp", ("COMPLETED", 0))
    await world.watch(notify=[{"type": "callback", "url": world.sandbox.callback_url("crm")}])
    await world.poll()
    seen = []
    for _ in range(6):
        await world.deliver()
        await report(world)
        seen.append(await told(world))
        world.pass_time(6 * MINUTE)
    await report(world)

    assert seen[2] == []
    assert seen[4] == ["receiver.failing"]
    assert await told(world) == ["receiver.failing", "receiver.recovered"]
    assert await world.resources.alarms.failing_receivers() == []


async def test_a_receiver_without_a_waiting_message_fails_no_more(world: World) -> None:
    await world.sandbox.set_answers("crm", {"status": 503}, {"status": 410})
    await world.sandbox.set_import("imp", ("COMPLETED", 0))
    await world.watch(notify=[{"type": "callback", "url": world.sandbox.callback_url("crm")}])
    await world.poll()
    await world.deliver()
    failing = await world.resources.alarms.failing_receivers()
    world.pass_time(MINUTE)
    await world.deliver()

    assert [each.failures for each in failing] == [1]
    assert await world.resources.alarms.failing_receivers() == []


async def test_notices_that_fail_are_logged_and_counted_but_told_by_no_notice(world: World) -> None:
    await report(world)
    await world.sandbox.set_answers("ops", {"status": 503}, {"status": 410})
    await world.sandbox.faults(status=401, times=1)
    await world.watch()
    await world.poll()
    with capture_logs() as lines:
        for _ in range(3):
            await report(world)
            world.pass_time(MINUTE)

    assert await world.resources.alarms.failing_receivers() == []
    assert "receiver.failing" not in await told(world)
    assert [line["event"] for line in lines if line["event"] == "notice.failed"] == ["notice.failed"]
    assert await world.resources.notices.failed() == 1


async def test_rally_down_and_its_end_are_told(world: World) -> None:
    await accept_all(world)
    now = await world.resources.store.now()
    await world.resources.budgets.write("default", Budget(breaker_open_since=now))
    await report(world)
    early = await told(world)
    world.pass_time(MINUTE)
    await report(world)
    await report(world)
    budget = await world.resources.budgets.get("default")
    await world.resources.budgets.write("default", Budget(version=budget.version))
    await report(world)

    assert early == []
    assert await told(world) == ["workspace.unavailable", "workspace.available"]


async def test_a_limit_that_is_used_up_for_ten_minutes_is_told(world: World) -> None:
    await accept_all(world)
    await world.sandbox.set_import("imp", ("UPLOADING", 0))
    await world.watch()
    world.pass_time(2 * MINUTE)
    await report(world)
    early = await told(world)
    world.pass_time(10 * MINUTE)
    await report(world)
    await world.poll()
    await report(world)

    assert early == []
    assert await told(world) == ["workspace.limit_used_up", "workspace.limit_sufficient"]


async def test_a_redis_that_is_not_durable_any_more_is_told(world: World) -> None:
    await world.resources.store.call("CONFIG SET", "appendonly", "no")
    try:
        await report(world)
        await report(world)
    finally:
        await world.resources.store.call("CONFIG SET", "appendonly", "yes")
    await report(world)

    assert await told(world) == ["redis.not_durable", "redis.durable"]


async def test_one_worker_of_the_fleet_looks_for_alarms_at_a_time(world: World) -> None:
    assert await world.resources.alarms.take_turn("alarms", EVERY)
    assert not await world.resources.alarms.take_turn("alarms", EVERY)


async def beats(world: World) -> int:
    return len(await world.sandbox.messages(name="beat"))


async def test_the_heartbeat_is_called_once_a_minute_while_all_is_well(world: World) -> None:
    await accept_all(world)
    await report(world)
    await world.resources.store.call("DEL", "rb:turn:alarms")
    await world.sweep()
    well = await beats(world)
    await world.resources.budgets.write("default", Budget(key_refused_since=1))
    await report(world)

    assert well == 1
    assert await beats(world) == 1


async def test_a_heartbeat_that_fails_is_logged_once(world: World) -> None:
    await world.sandbox.set_answers("beat", {"status": 500}, {"status": 500}, {"status": 200})
    with capture_logs() as lines:
        for _ in range(3):
            await report(world)

    assert [line["event"] for line in lines if line["event"].startswith("operator_heartbeat")] == [
        "operator_heartbeat.failed",
        "operator_heartbeat.recovered",
    ]
