"""REDIS_MIN_REPLICAS: what is acknowledged, shown or sent is on the replicas; nothing else is."""

import json
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager

import pytest
from redis import Redis

from bridge.domain.times import MINUTE
from bridge.store import keys
from tests.support.push_messages import PUSH_SECRET, push_body, send_push
from tests.support.redis_server import port_of
from tests.support.replicated_redis import replicated_redis, suspended
from tests.support.world import World, opened

pytestmark = pytest.mark.anyio
RULE = '[[rules]]\nname = "ops"\noutcomes = "always"\nnotify = [{type = "slack", channel = "C0123ABCD"}]\n'


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Redis, Redis]]:
    with replicated_redis(tmp_path_factory.mktemp("servers")) as servers:
        yield servers


@pytest.fixture
async def world(servers: tuple[Redis, Redis], sandbox_url: str) -> AsyncIterator[World]:
    url = f"redis://127.0.0.1:{port_of(servers[0])}"
    async with opened(url, sandbox_url, RULE, REDIS_MIN_REPLICAS="1", RALLY_WEBHOOK_SECRETS=PUSH_SECRET) as world:
        world.resources.store.replica_patience = 2000
        yield world


@contextmanager
def out_of_step(world: World, replica: Redis) -> Iterator[None]:
    """Suspend the replica, and don't wait for it long."""
    world.resources.store.replica_patience = 50
    with suspended(replica):
        yield
    world.resources.store.replica_patience = 2000


async def test_an_accepted_watch_is_on_the_replica(world: World, servers: tuple[Redis, Redis]) -> None:
    watch = await world.watch()

    assert servers[1].hget(f"rb:watch:{watch['id']}", "state") == "watching"


async def test_a_watch_is_accepted_only_once_the_replica_has_it(world: World, servers: tuple[Redis, Redis]) -> None:
    once = {"Idempotency-Key": "once"}
    with out_of_step(world, servers[1]):
        refused = await world.post("/v1/watches", json={"importId": "imp"}, **once)
        again = await world.post("/v1/watches", json={"importId": "imp"}, **once)
    accepted = await world.post("/v1/watches", json={"importId": "imp"}, **once)

    assert (refused.status_code, refused.headers["Retry-After"], again.status_code) == (503, "5", 503)
    assert (accepted.status_code, accepted.headers.get("Idempotent-Replayed")) == (202, "true")
    assert servers[1].zrange("rb:watches:in:watching", 0, -1) == [accepted.json()["id"]]


async def test_a_push_is_acknowledged_only_once_the_replica_has_it(world: World, servers: tuple[Redis, Redis]) -> None:
    with out_of_step(world, servers[1]):
        statuses = [(await send_push(world.api, push_body("imp"), message_id="msg_1")).status_code for _ in range(2)]
    statuses.append((await send_push(world.api, push_body("imp"), message_id="msg_1")).status_code)

    assert statuses == [503, 503, 204]
    assert servers[1].zcard("rb:pushes:due") == 1


async def test_an_outcome_is_neither_shown_nor_sent_before_the_replica_has_it(
    world: World, servers: tuple[Redis, Redis]
) -> None:
    await world.sandbox.set_import("imp", ("COMPLETED", 0))
    watch = await world.watch(notify=[{"type": "callback", "url": world.sandbox.callback_url()}])
    with out_of_step(world, servers[1]):
        await world.poll()
        await world.deliver()
        shown, listed = await world.reload(watch), (await world.get("/v1/deliveries")).json()["data"]
    assert (shown["state"], shown["outcome"], shown["deliveries"], listed) == ("watching", None, [], [])
    assert await world.sandbox.messages() == []

    world.pass_time(MINUTE)
    await world.sweep()
    await world.deliver()

    assert (await world.reload(watch))["outcome"] == "completed"
    assert len(await world.sandbox.messages()) == 1
    assert not servers[1].keys("rb:ending:*")
    assert not servers[1].zcard(keys.KEPT_ENDINGS)


async def test_what_was_decided_is_carried_out_again_after_a_failover(
    world: World, servers: tuple[Redis, Redis]
) -> None:
    """The failover loses the step that ended the watch, but not what it carried out."""
    await world.sandbox.set_import("imp", ("COMPLETED", 0))
    watch = await world.watch(notify=[{"type": "callback", "url": world.sandbox.callback_url()}])
    with out_of_step(world, servers[1]):
        await world.poll()
    (kept,) = await world.resources.store.call("KEYS", "rb:ending:*")
    decided = json.loads(await world.resources.store.call("GET", kept))

    await world.sandbox.set_import("imp", ("ERROR", 0))
    await world.resources.store.call("DEL", keys.import_("default", "imp"))  # the failover lost that reading
    world.pass_time(MINUTE)
    await world.sweep()

    ended = await world.reload(watch)
    assert ended["outcome"] == "completed"
    assert decided["more_args"][1] == "completed"
    assert [each["state"] for each in ended["deliveries"]] == ["pending"]


async def test_a_watch_that_is_to_end_cannot_be_cancelled(world: World, servers: tuple[Redis, Redis]) -> None:
    await world.sandbox.set_import("imp", ("COMPLETED", 0))
    watch = await world.watch()
    with out_of_step(world, servers[1]):
        await world.poll()
    refused = await world.post(f"/v1/watches/{watch['id']}/cancel")

    assert refused.status_code == 409
    assert (await world.reload(watch))["outcome"] == "completed"


async def test_the_bridge_is_not_ready_without_its_replicas(world: World, servers: tuple[Redis, Redis]) -> None:
    with out_of_step(world, servers[1]):
        ready = await world.get("/readyz")
    assert (ready.status_code, ready.json()["redis"]) == (
        503,
        "Redis: 0 of 1 required replicas confirmed a write in time",
    )
    assert (await world.get("/readyz")).status_code == 200


async def test_a_cancelled_watch_is_on_the_replica(world: World, servers: tuple[Redis, Redis]) -> None:
    watch = await world.watch()
    with out_of_step(world, servers[1]):
        for _ in range(2):  # the second one has nothing to write
            assert (await world.post(f"/v1/watches/{watch['id']}/cancel")).status_code == 503
    assert (await world.post(f"/v1/watches/{watch['id']}/cancel")).status_code == 200

    assert servers[1].hget(f"rb:watch:{watch['id']}", "state") == "cancelled"


async def test_reading_goes_on_while_redis_refuses_writes_without_replicas(
    world: World, servers: tuple[Redis, Redis]
) -> None:
    watch = await world.watch()
    servers[0].config_set("min-replicas-to-write", 2)
    try:
        refused = await world.post("/v1/watches", json={"importId": "other"})
        shown, listed = await world.get(f"/v1/watches/{watch['id']}"), await world.get("/v1/watches")
    finally:
        servers[0].config_set("min-replicas-to-write", 0)

    assert (refused.status_code, refused.headers["Retry-After"]) == (503, "5")
    assert (shown.status_code, len(listed.json()["data"])) == (200, 1)


async def test_without_the_setting_nothing_waits(servers: tuple[Redis, Redis], sandbox_url: str) -> None:
    async with opened(f"redis://127.0.0.1:{port_of(servers[0])}", sandbox_url) as world:
        await world.sandbox.set_import("imp", ("COMPLETED", 0))
        servers[0].config_resetstat()
        with suspended(servers[1]):
            await world.watch()
            await world.poll()
        used = servers[0].info("commandstats")

    assert isinstance(used, dict)
    assert "cmdstat_wait" not in used
