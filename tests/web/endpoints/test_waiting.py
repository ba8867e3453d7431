"""What a watch waits for, as the API says it: in GET and in the stream of events."""

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from bridge.domain.times import HOUR, MINUTE, SECOND
from bridge.web.endpoints.events import watch_events
from tests.support.samples import only
from tests.support.world import World, opened

pytestmark = pytest.mark.anyio


@pytest.fixture
async def world(redis_url: str, sandbox_url: str) -> AsyncIterator[World]:
    async with opened(redis_url, sandbox_url) as world:
        yield world


async def wait_of(world: World, watch: dict[str, Any]) -> tuple[str, bool]:
    """Return the reason for which a watch waits, and whether its next poll is known."""
    seen = await world.reload(watch)
    return seen["waitingFor"]["reason"], seen["nextPollAt"] is not None


async def test_without_a_worker_an_open_watch_says_so(world: World) -> None:
    watch = await world.watch()
    assert await wait_of(world, watch) == ("no_worker", False)

    await world.heartbeat()
    assert await wait_of(world, watch) == ("next_poll", True)

    world.pass_time(MINUTE)
    assert await wait_of(world, watch) == ("no_worker", False)


async def test_the_next_poll_is_after_the_pause_of_the_workspace(world: World) -> None:
    await world.sandbox.set_import("imp", ("UPLOADING", 0))
    watch = await world.watch()
    await world.sandbox.faults(status=429, headers={"Retry-After": "600"}, times=1)
    await world.poll()
    await world.heartbeat()
    seen, now = await world.reload(watch), await world.resources.store.now()
    budget = await world.resources.budgets.get("default")

    assert seen["waitingFor"]["reason"] == "rally_pause"
    assert budget.not_before - now > 500 * SECOND
    assert seen["nextPollAt"] == seen["waitingFor"]["until"] > seen["waitingFor"]["since"]


async def test_a_settled_watch_waits_as_long_as_the_receiver_asks(world: World) -> None:
    await world.sandbox.set_import("imp", ("COMPLETED", 0))
    await world.sandbox.set_answers("crm", {"status": 503, "headers": {"Retry-After": "3600"}})
    watch = await world.watch(notify=[{"type": "callback", "url": world.sandbox.callback_url()}])
    await world.poll()
    await world.deliver()
    await world.heartbeat()
    seen = await world.reload(watch)

    assert seen["waitingFor"]["reason"] == "retry_after"
    assert seen["waitingFor"]["until"] == seen["deliveries"][0]["nextAttemptAt"]
    assert "HTTP 503" in seen["waitingFor"]["detail"]


async def test_the_destination_that_is_waited_for_is_named(world: World) -> None:
    await world.sandbox.set_import("imp", ("COMPLETED", 0))
    await world.sandbox.set_answers("crm", {"status": 503})
    places = [{"type": "callback", "url": world.sandbox.callback_url(name)} for name in ("crm", "other")]
    watch = await world.watch(notify=places)
    await world.poll()
    await world.deliver()
    await world.heartbeat()
    seen = await world.reload(watch)
    pending = only([each for each in seen["deliveries"] if each["state"] == "pending"])

    assert f"{pending['destination']} ({pending['fingerprint']})" in seen["waitingFor"]["detail"]


async def test_a_decided_outcome_waits_for_the_replicas(world: World) -> None:
    await world.sandbox.set_import("imp", ("COMPLETED", 0))
    watch = await world.watch()
    await world.heartbeat()
    world.resources.store.min_replicas, world.resources.store.replica_patience = 1, 1
    await world.poll()
    seen = await world.reload(watch)

    assert (seen["state"], seen["waitingFor"]["reason"]) == ("watching", "replicas")


@pytest.mark.parametrize(
    ("setting", "usual", "reason"), [("maxmemory", "0", "redis_full"), ("min-replicas-to-write", "0", "replicas")]
)
async def test_refused_writes_are_told_from_missing_workers(
    world: World, setting: str, usual: str, reason: str
) -> None:
    await world.heartbeat()
    watch = await world.watch()
    world.pass_time(MINUTE)
    redis = world.resources.store.redis
    await redis.config_set(setting, 1)
    try:
        assert await wait_of(world, watch) == (reason, False)
    finally:
        await redis.config_set(setting, usual)


async def test_the_stream_names_the_next_destination_that_is_waited_for(world: World) -> None:
    await world.sandbox.set_import("imp", ("COMPLETED", 0))
    for name, delay in (("crm", "3600"), ("other", "1800")):
        await world.sandbox.set_answers(name, {"status": 503, "headers": {"Retry-After": delay}})
    made = await world.watch(
        notify=[{"type": "callback", "url": world.sandbox.callback_url(each)} for each in ("crm", "other")]
    )
    await world.poll()
    await world.deliver()
    await world.heartbeat()
    watch = await world.resources.watches.get(made["id"])
    assert watch is not None
    stream = watch_events(world.resources, watch, keep_alive=0.01)
    first, second = (await world.reload(made))["deliveries"]
    assert first["fingerprint"] in json.loads((await anext(stream)).split("data: ")[1])["waitingFor"]["detail"]

    world.pass_time(HOUR + SECOND)
    await world.sandbox.set_answers("crm", {"status": 204})
    await world.sandbox.set_answers("other", {"status": 503, "headers": {"Retry-After": "3600"}})
    await world.deliver()
    await world.heartbeat()
    told = [each for each in [await anext(stream) for _ in range(4)] if each.startswith("event: waiting")]
    assert second["fingerprint"] in only(told)


async def test_the_stream_tells_when_the_reason_changes(world: World) -> None:
    await world.heartbeat()
    watch = await world.resources.watches.get((await world.watch())["id"])
    assert watch is not None
    stream = watch_events(world.resources, watch, keep_alive=0.01)
    assert (await anext(stream)).startswith("event: watch\n")
    world.pass_time(MINUTE)

    events = [await anext(stream) for _ in range(3)]
    told = [each for each in events if not each.startswith(":")]
    assert [each.startswith('event: waiting\ndata: {"reason": "no_worker"') for each in told] == [True]
