"""Rules that changed while their imports were under way, or that overlap: each import is told exactly once."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import pytest

from bridge.domain.times import DAY, HOUR, MINUTE, SECOND
from tests.support.configuration import destination
from tests.support.redis_snapshot import assert_store_sound
from tests.support.rules import push, watches_of
from tests.support.samples import only
from tests.support.world import ADMIN_KEY, World, opened, reopened

pytestmark = pytest.mark.anyio

OPS = '[[rules]]\nname = "ops"\nnotify = ["room"]\n'
PANEL = '[[rules]]\nname = "panel"\noutcomes = "always"\nnotify = ["room"]\n'

OpenWorld = Callable[..., AbstractAsyncContextManager[World]]
Restart = Callable[[World, str], AbstractAsyncContextManager[World]]


def configured(rules: str, sandbox_url: str) -> str:
    return destination("room", "slack_webhook", f"{sandbox_url}/inbox/services/T/B/X") + f"\n{rules}"


@pytest.fixture
def with_rules(redis_url: str, sandbox_url: str) -> OpenWorld:
    return lambda rules, **changes: opened(redis_url, sandbox_url, configured(rules, sandbox_url), **changes)


@pytest.fixture
def restarted(redis_url: str, sandbox_url: str) -> Restart:
    @asynccontextmanager
    async def restart(world: World, rules: str) -> AsyncIterator[World]:
        async with reopened(redis_url, sandbox_url, configured(rules, sandbox_url)) as later:
            later.resources.store.offset = world.resources.store.offset
            yield later

    return restart


async def told(world: World) -> list[dict[str, Any]]:
    """Let everything go that is due within an hour, and return the messages to Slack."""
    await world.poll()
    for _ in range(4):
        await world.deliver()
        world.pass_time(16 * MINUTE)
        await world.sweep()
    await world.deliver()
    world.pass_time(SECOND)
    await world.deliver()
    await assert_store_sound(world.resources.store)
    return await world.sandbox.messages(kind="slack")


async def test_a_rule_that_was_added_in_front_after_the_push_silences_no_other(
    with_rules: OpenWorld, restarted: Restart
) -> None:
    async with with_rules(OPS) as world:
        await world.worker.polls["default"].close()
        await push(world)
        await world.sandbox.set_import("imp", ("ERROR", 0))
        async with restarted(world, PANEL + OPS) as later:
            assert len(await told(later)) == 1


async def test_a_rule_that_was_renamed_leaves_its_import_to_the_next_one(
    with_rules: OpenWorld, restarted: Restart
) -> None:
    async with with_rules(OPS + PANEL) as world:
        await world.worker.polls["default"].close()
        await push(world)
        await world.sandbox.set_import("imp", ("ERROR", 0))
        async with restarted(world, OPS.replace("ops", "research-ops") + PANEL) as later:
            assert len(await told(later)) == 1


async def test_a_cancelled_watch_of_a_rule_leaves_its_import_to_the_next_one(with_rules: OpenWorld) -> None:
    async with with_rules(OPS + PANEL) as world:
        await push(world)
        watch_id = only(await watches_of(world))["id"]
        assert (await world.post(f"/v1/watches/{watch_id}/cancel", key=ADMIN_KEY)).is_success
        await world.sandbox.set_import("imp", ("ERROR", 0))
        world.pass_time(MINUTE)

        assert len(await told(world)) == 1


@pytest.mark.parametrize("impatient_first", [True, False])
async def test_an_import_that_one_rule_summarizes_and_another_tells_is_told_once(
    with_rules: OpenWorld, *, impatient_first: bool
) -> None:
    rules = [f'{OPS}max_age = "1h"\n', PANEL]
    async with with_rules("".join(rules if impatient_first else reversed(rules))) as world:
        await world.sandbox.set_import("imp", ("ERROR", 0))
        await push(world, updated_at=await world.resources.store.now() - 2 * HOUR)

        assert len(await told(world)) == 1


async def test_a_replay_is_not_told_again_when_its_watch_was_deleted_before_it_is_old(with_rules: OpenWorld) -> None:
    async with with_rules(f'{OPS}max_age = "30d"\n', BRIDGE_RETENTION="7d") as world:
        await world.sandbox.set_import("imp", ("ERROR", 0))
        ended_at = await world.resources.store.now()
        await push(world, updated_at=ended_at)
        assert len(await told(world)) == 1

        world.pass_time(8 * DAY)
        await world.sweep()
        assert await watches_of(world) == []
        await push(world, updated_at=ended_at)
        assert len(await told(world)) == 1


async def test_a_summary_names_what_an_explicit_watch_gave_up(with_rules: OpenWorld) -> None:
    async with with_rules(OPS) as world:
        ended_at = await world.resources.store.now()
        await world.watch("imp", notify=[{"type": "named", "name": "room"}])
        for _ in range(5):
            await world.poll()
            await world.deliver()  # what was begun must end within its lease
            world.pass_time(3 * MINUTE)
        assert only(await told(world))

        world.pass_time(2 * DAY)
        await push(world, updated_at=ended_at)
        messages = await told(world)
        assert len(messages) == 2
        assert "1 import ended while no push came" in messages[-1]["body"]


async def test_a_summary_leaves_out_events_of_types_that_the_rule_does_not_tell(with_rules: OpenWorld) -> None:
    async with with_rules(f'{OPS}types = ["API"]\n') as world:
        await push(world, updated_at=await world.resources.store.now() - 2 * DAY)
        assert await told(world) == []


async def test_a_replay_of_what_was_pushed_before_there_were_rules_makes_no_summary(
    with_rules: OpenWorld, restarted: Restart
) -> None:
    async with with_rules("") as world:
        ended_at = await world.resources.store.now()
        await push(world, for_rules=False, updated_at=ended_at)
        world.pass_time(7 * DAY)
        async with restarted(world, OPS) as later:
            await push(later, updated_at=ended_at)
            assert await told(later) == []
