"""Pushes as the shifts see them: polls that follow them, pushes that have stopped, and floods."""

import asyncio
import json
from collections import Counter
from dataclasses import replace
from time import time

import pytest

from bridge.domain.clients import RULE_PREFIX
from bridge.domain.rules.pushes import CSV_FINISHED, Push
from bridge.domain.times import HOUR, MINUTE, SECOND
from bridge.store.watches.acceptance_call import NewWatch
from tests.support.configuration import destination
from tests.support.store_machine.stage import WEBHOOK_SECRET
from tests.support.world import World, opened

pytestmark = pytest.mark.anyio

PUSH = Push(
    message_id="msg_1",
    event=CSV_FINISHED,
    workspace="default",
    import_id="imp",
    status="COMPLETED",
    failed_record_count=0,
    updated_at=None,
)


async def push(world: World, import_id: str) -> None:
    message = replace(PUSH, message_id=f"msg_{import_id}", import_id=import_id)
    await world.resources.pushes.record(message, for_rules=False, first_kept=HOUR)


async def end(world: World, import_id: str, *, pushed: bool) -> None:
    """Let an import end as the bridge sees it: read unfinished, perhaps pushed, read final."""
    await world.sandbox.set_import(import_id, ("UPLOADING", 0))
    await world.watch(import_id)
    await world.poll()
    await world.sandbox.set_import(import_id, ("COMPLETED", 0))
    if pushed:
        await push(world, import_id)
    else:
        world.pass_time(5 * MINUTE)
    await world.poll()


async def test_a_push_is_answered_by_one_poll_which_settles_the_watch(redis_url: str, sandbox_url: str) -> None:
    async with opened(redis_url, sandbox_url, RALLY_WEBHOOK_SECRETS=WEBHOOK_SECRET) as world:
        await end(world, "imp", pushed=True)

        assert len(await world.sandbox.requests()) == 2
        found = (await world.resources.push_proofs.get("default"))["CSV"]
        assert (found.streak, found.matches, found.misses) == (1, 1, 0)


async def test_a_push_that_rally_does_not_confirm_yet_is_followed_up_soon(redis_url: str, sandbox_url: str) -> None:
    async with opened(redis_url, sandbox_url, RALLY_WEBHOOK_SECRETS=WEBHOOK_SECRET) as world:
        await world.sandbox.set_import("imp", ("UPLOADING", 0))
        watch = await world.watch("imp")
        await world.poll()
        world.pass_time(HOUR)
        await world.poll()
        await push(world, "imp")
        polls = []
        for pause in (0, SECOND, 3 * SECOND, 10 * SECOND, 4 * SECOND):
            world.pass_time(pause)
            await world.poll()
            polls.append((await world.reload(watch))["polls"])

        assert polls == [3, 4, 5, 6, 7]


async def test_the_operator_is_told_once_that_pushes_have_stopped(redis_url: str, sandbox_url: str) -> None:
    room = destination("room", "slack_webhook", f"{sandbox_url}/inbox/services/T/B/X")
    settings = {"OPERATOR_NOTIFY": "room", "RALLY_WEBHOOK_SECRETS": WEBHOOK_SECRET}
    async with opened(redis_url, sandbox_url, room, **settings) as world:
        for number in range(3):
            await end(world, f"pushed_{number}", pushed=True)
        told = []
        for number in range(5):
            await end(world, f"silent_{number}", pushed=False)
            world.pass_time(2 * MINUTE)
            await world.sweep()
            await world.sweep()
            await world.deliver()
            told.append(len(await world.sandbox.messages(kind="slack")))

        assert told == [0, 0, 1, 1, 1]
        (message,) = await world.sandbox.messages(kind="slack")
        assert (
            "no longer pushes the end of CSV imports of the workspace “default”" in json.loads(message["body"])["text"]
        )
        await world.resources.push_proofs.get("default")

        for number in range(3):
            await end(world, f"pushed_again_{number}", pushed=True)
        for number in range(3):
            await end(world, f"silent_again_{number}", pushed=False)
        world.pass_time(2 * MINUTE)
        await world.sweep()
        await world.deliver()
        assert len(await world.sandbox.messages(kind="slack")) == 2, "it was proven again in between"


async def test_a_notice_of_silence_is_not_repeated_after_a_crash(redis_url: str, sandbox_url: str) -> None:
    room = destination("room", "slack_webhook", f"{sandbox_url}/inbox/services/T/B/X")
    settings = {"OPERATOR_NOTIFY": "room", "RALLY_WEBHOOK_SECRETS": WEBHOOK_SECRET}
    async with opened(redis_url, sandbox_url, room, **settings) as world:
        for number in range(3):
            await end(world, f"pushed_{number}", pushed=True)
        for number in range(3):
            await end(world, f"silent_{number}", pushed=False)
        world.pass_time(2 * MINUTE)
        await world.sweep()
        await world.resources.store.call("HDEL", "rb:push:proof:default", "told:CSV")  # as before a crash

        await world.sweep()
        await world.deliver()

        assert len(await world.sandbox.messages(kind="slack")) == 1


async def test_without_a_webhook_secret_nothing_is_counted(world: World) -> None:
    await end(world, "imp", pushed=False)
    world.pass_time(2 * MINUTE)
    await world.sweep()

    assert await world.resources.push_proofs.get("default") == {}
    assert not await world.resources.store.call("KEYS", "rb:push:*")


async def test_a_flood_of_pushes_for_rules_takes_a_quarter_of_the_limit_and_no_call_beyond_it(
    redis_url: str, sandbox_url: str
) -> None:
    """500 imports that only a rule watches, 40 that a client watches, and a limit of 100 calls a window."""
    async with opened(redis_url, sandbox_url, RALLY_BUDGET_SHARE="1", RALLY_WEBHOOK_SECRETS=WEBHOOK_SECRET) as world:
        window = next(each for each in (86_400, 90_000) if each - time() % each > 2 * 3_600)  # not to end meanwhile
        await world.sandbox.http.put("/control/limit", json={"limit": 100, "window": window})
        for number in range(40):
            await world.sandbox.set_import(f"imp_{number}", ("COMPLETED", 0))
            await world.watch(f"imp_{number}")
        import_ids = [f"rule_{number}" for number in range(500)]
        await asyncio.gather(*(accept_by_rule(world, import_id) for import_id in import_ids))
        await asyncio.gather(*(push(world, import_id) for import_id in import_ids))
        for _ in range(12):
            await world.poll()
            world.pass_time(4 * MINUTE)

        asked = [request["importId"] for request in await world.sandbox.requests()]
        kinds = Counter(import_id.split("_")[0] for import_id in asked)
        assert kinds["imp"] == 40
        assert 20 <= kinds["rule"] <= 25
        assert {request["status"] for request in await world.sandbox.requests()} <= {200, 404}


async def accept_by_rule(world: World, import_id: str) -> None:
    new = NewWatch(
        id=f"wat_{import_id}",
        client=f"{RULE_PREFIX}ops",
        workspace="default",
        import_id=import_id,
        notify=(),
        label=None,
        metadata={},
        expires_in=24 * HOUR,
    )
    await world.resources.watches.accept(new, grace=10 * MINUTE, reuse=5 * MINUTE)
