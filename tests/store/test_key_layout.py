"""The list of keys in the store's docstring contains every key that a watch leaves in Redis, with its type."""

import re
from collections.abc import Mapping

import pytest

from bridge import store
from bridge.queue import Job
from tests.support.held_deliveries import end_import, end_imports, release, to_callback
from tests.support.queue_connection import connect
from tests.support.world import World

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
    arq = connect(redis_url)
    await arq.enqueue_job(Job.SWEEP.value)
    await arq.aclose()

    redis = world.resources.store.redis
    keys = {str(key): await redis.type(key) for key in await redis.keys()}
    patterns = listed()
    unlisted = {
        key: kind
        for key, kind in keys.items()
        if kind != "none" and not any(each.fullmatch(key) and kind == patterns[each] for each in patterns)
    }
    assert len(keys) > 20
    assert unlisted == {}
