"""Summaries: imports whose push came too late are told once, in one message for each destination of the rule."""

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from bridge.domain.times import DAY, MINUTE, SECOND
from bridge.store.deliveries.summaries import SENT_AFTER
from tests.support.redis_snapshot import assert_store_sound
from tests.support.samples import only
from tests.support.world import ADMIN_KEY, World, opened

pytestmark = pytest.mark.anyio

RULES = """
[[rules]]
name = "ops"
notify = [{type = "slack", channel = "C0123ABCD"}, {type = "callback", url = "%s"}]

[[rules]]
name = "panel"
notify = [{type = "slack", channel = "C0123ABCD"}]
"""


@pytest.fixture
async def world(redis_url: str, sandbox_url: str) -> AsyncIterator[World]:
    async with opened(redis_url, sandbox_url, RULES % f"{sandbox_url}/inbox/callbacks/crm") as world:
        yield world


def receivers(world: World, rule: str) -> list[str]:
    found = only([each for each in world.resources.settings.rules if each.name == rule])
    return [world.resources.receiver_key(each) for each in found.notify]


async def miss(world: World, import_id: str, *, rule: str = "ops", problem: bool = False) -> int:
    """Add an import to the summaries of a rule."""
    return await world.resources.summaries.add(rule, receivers(world, rule), "default", import_id, problem=problem)


async def send(world: World) -> None:
    await world.sweep()
    for _ in range(3):
        await world.deliver()
        world.pass_time(SECOND)
    await assert_store_sound(world.resources.store)


async def accept_callbacks(world: World) -> None:
    """Let the sandbox accept callbacks, although its own clock stands still."""
    await world.sandbox.set_answers("crm", *[{"status": 204}] * 3)


async def bodies(world: World, kind: str) -> list[dict[str, Any]]:
    return [json.loads(each["body"]) for each in await world.sandbox.messages(kind=kind)]


async def test_missed_imports_are_told_in_one_message_per_destination_15_minutes_after_the_first(world: World) -> None:
    await accept_callbacks(world)
    for number in range(23):
        await miss(world, f"imp{number:02}", problem=number in {7, 20})
        world.pass_time(10 * SECOND)
    await send(world)
    assert await bodies(world, "slack") == []

    world.pass_time(SENT_AFTER)
    await send(world)

    text = (
        "23 imports ended while no push came, 2 with failures by the push: "
        "imp07, imp20, imp00, imp01, imp02, imp03, imp04, imp05, imp06, imp08 and 13 more."
    )
    assert only(await bodies(world, "slack"))["blocks"][1]["text"]["text"] == text
    called = only(await bodies(world, "callback"))
    assert (called["type"], called["data"]["text"]) == ("rule.imports_missed", text)
    assert called["data"]["client"] == "rule:ops"


async def test_an_import_is_summarized_once_per_destination_also_by_several_rules_and_replays(world: World) -> None:
    await accept_callbacks(world)
    assert await miss(world, "imp1") == 2
    assert await miss(world, "imp1", rule="panel") == 0
    assert await miss(world, "imp2", rule="panel") == 1
    world.pass_time(SENT_AFTER)
    await send(world)
    assert await miss(world, "imp1") == 0, "a replay after the summary"

    world.pass_time(DAY)
    await send(world)

    assert len(await bodies(world, "slack")) == 2
    assert len(await bodies(world, "callback")) == 1


async def test_a_summary_that_a_dead_worker_closed_is_written_by_another(world: World) -> None:
    await accept_callbacks(world)
    await miss(world, "imp1")
    world.pass_time(SENT_AFTER)
    assert len(await world.resources.summaries.claim(["dlv_a", "dlv_b"], MINUTE)) == 2

    await send(world)
    assert await bodies(world, "slack") == []
    world.pass_time(MINUTE)
    await send(world)
    await send(world)

    assert (len(await bodies(world, "slack")), len(await bodies(world, "callback"))) == (1, 1)


async def test_a_summary_is_created_once(world: World) -> None:
    await miss(world, "imp1", rule="panel")
    world.pass_time(SENT_AFTER)
    summary = only(await world.resources.summaries.claim(["dlv_a"], MINUTE))
    destination = world.resources.settings.rules[1].notify[0]

    assert await world.resources.summaries.create(summary, "rule:panel", destination, "slack:x", "{}")
    assert not await world.resources.summaries.create(summary, "rule:panel", destination, "slack:x", "{}")


async def test_a_summary_without_its_rule_is_dropped(world: World) -> None:
    await world.resources.summaries.add("gone", receivers(world, "ops"), "default", "imp1", problem=False)
    world.pass_time(SENT_AFTER)
    await send(world)
    await send(world)

    assert (await bodies(world, "slack"), await bodies(world, "callback")) == ([], [])


async def test_an_abandoned_summary_is_reported_to_the_operator_and_deleted_after_the_retention(world: World) -> None:
    await world.sandbox.set_answers("crm", {"status": 410})
    await miss(world, "imp1")
    world.pass_time(SENT_AFTER)
    await send(world)

    abandoned = only((await world.get("/v1/deliveries", key=ADMIN_KEY, state="abandoned")).json()["data"])
    assert await world.resources.notices.unreported(10) == [abandoned["id"]]
    world.pass_time(121 * DAY)
    await send(world)
    assert [key for key in await world.resources.store.redis.keys() if "missed" in str(key) or "dlv_" in str(key)] == []


async def test_a_clock_that_was_set_back_delays_no_summary(world: World) -> None:
    await miss(world, "imp1")
    world.pass_time(-30 * DAY)
    await world.sweep()

    world.pass_time(SENT_AFTER)
    await send(world)

    assert len(await bodies(world, "slack")) == 1
