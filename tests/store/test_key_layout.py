"""The list of keys in the store's docstring contains every key that a watch leaves in Redis, with its type."""

import re
from collections.abc import Mapping

import pytest

from bridge import store
from bridge.domain.times import MINUTE
from bridge.queue import Job
from tests.support.held_deliveries import end_import, end_imports, release, to_callback
from tests.support.living_messages import LIVE, end, living_world, progress, show_living
from tests.support.push_messages import PUSH_SECRET, push_body, send_push
from tests.support.queue_connection import connect
from tests.support.slack_requests import slack_serving
from tests.support.world import World, opened

LISTED = re.compile(r"^ {4}((?:rb|arq):\S+) +(hash|zset|list|set|string|int) ", re.MULTILINE)
TYPES = {"int": "string"}

pytestmark = pytest.mark.anyio


def listed() -> Mapping[re.Pattern[str], str]:
    """Return the type of each listed key, as Redis names it, by a pattern of the key."""
    found = LISTED.findall(store.__doc__ or "")
    return {re.compile(re.sub(r"<\w+>|…", ".+", key)): TYPES.get(kind, kind) for key, kind in found}


async def test_every_key_of_a_watch_is_listed(world: World, redis_url: str) -> None:
    await world.sandbox.set_import("imp", ("COMPLETED", 0), failed=101)
    await world.sandbox.set_answers("gone", {"status": 410})
    gone = {"type": "callback", "url": world.sandbox.callback_url("gone")}
    await world.watch(notify=[{"type": "slack", "channel": "C0123ABCD"}, gone])
    await world.post("/v1/watches", json={"importId": "open"}, **{"Idempotency-Key": "once"})
    await world.poll()
    await world.deliver()
    await end_imports(world, 7)
    await release(world, await end_import(world, "called", to_callback(world)))
    await world.resources.summaries.add("ops", ["room"], "default", "missed", problem=False)
    await world.resources.store.check()
    await world.resources.figures.record({"polls": 1}, {"open": 1})
    await world.resources.console_sessions.end("session", MINUTE)
    arq = connect(redis_url)
    await arq.enqueue_job(Job.SWEEP.value)
    await arq.aclose()

    assert await count_keys(world) > 20
    assert await unlisted(world) == {}


async def test_every_key_of_living_messages_is_listed(redis_url: str, sandbox_url: str) -> None:
    with slack_serving() as slack:
        async with living_world(redis_url, sandbox_url, slack) as living:
            await show_living(living.world)
            await living.world.watch("waiting", notify=[LIVE])
            found = set(await living.world.resources.store.call("KEYS", "rb:living:in:*"))
            assert found == {"rb:living:in:waiting", "rb:living:in:shown"}
            assert await unlisted(living.world) == {}
            await progress(living.world, 7)
            await living.world.live()
            await end(living.world)

            assert await living.world.resources.store.call("TYPE", "rb:living:in:ending") == "zset"
            assert await unlisted(living.world) == {}


async def test_every_key_of_pushes_is_listed(redis_url: str, sandbox_url: str) -> None:
    rule = '[[rules]]\nname = "ops"\noutcomes = "always"\nnotify = [{type = "slack", channel = "C0123ABCD"}]\n'
    async with opened(redis_url, sandbox_url, rule, RALLY_WEBHOOK_SECRETS=PUSH_SECRET) as world:
        for import_id in ("unpushed", "matched"):
            await world.sandbox.set_import(import_id, ("UPLOADING", 0))
            await world.watch(import_id)
        await world.poll()
        for import_id in ("unpushed", "matched", "told"):
            await world.sandbox.set_import(import_id, ("COMPLETED", 0))
        world.pass_time(MINUTE)
        for import_id in ("matched", "told"):
            await send_push(world.api, push_body(import_id), message_id=f"msg_{import_id}")
        assert await unlisted(world) == {}
        await world.apply_rules()
        await world.poll()
        await send_push(world.api, push_body("queued"), message_id="msg_queued")

        held = {
            re.sub("(?<=^rb:push:)(.*?):.*", r"\1", key) for key in await world.resources.store.call("KEYS", "rb:push*")
        }
        assert held >= {f"rb:push:{kind}" for kind in ("seen", "first", "queued", "stats", "awaited", "proof")}
        assert await unlisted(world) == {}


async def count_keys(world: World) -> int:
    return int(await world.resources.store.call("DBSIZE"))


async def unlisted(world: World) -> Mapping[str, str]:
    """Return the type of each key that is not in the list."""
    redis = world.resources.store.redis
    kinds = {str(key): await redis.type(key) for key in await redis.keys()}
    patterns = listed()
    return {
        key: kind
        for key, kind in kinds.items()
        if kind != "none" and not any(each.fullmatch(key) and kind == patterns[each] for each in patterns)
    }
