"""A failover behind one address, and a rotated password: two real servers, and a forwarder that is repointed."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from redis import Redis

from bridge import queue
from bridge.domain.secret import Secret
from bridge.errors import StoreUnavailable
from bridge.resources import open_resources
from bridge.startup import wait_for_store
from bridge.store.calls.connection import Store, connect
from tests.faults.forwarder import Forwarder
from tests.faults.wire import LOOPBACK
from tests.support.forwarding import forwarding, until, url_of
from tests.support.redis_server import port_of, redis_server, set_user
from tests.support.replicated_redis import replicated_redis
from tests.support.world import World, opened, settings

pytestmark = pytest.mark.anyio
PATIENCE = 20.0


def subscribers(redis: Redis) -> int:
    known: Any = redis.pubsub_numsub("rb:changes")
    return int(known[0][1])


def watching(redis: Redis) -> int:
    known: Any = redis.zcard("rb:watches:in:watching")
    return int(known)


def rings(redis: Redis) -> int:
    known: Any = redis.zcard(queue.QUEUE)
    return int(known)


@pytest.fixture
def servers(tmp_path: Path) -> Iterator[tuple[Redis, Redis]]:
    with replicated_redis(tmp_path) as servers:
        yield servers


@pytest.fixture
async def wire(servers: tuple[Redis, Redis]) -> AsyncIterator[Forwarder]:
    async with forwarding(port_of(servers[0])) as wire:
        yield wire


def fail_over(servers: tuple[Redis, Redis], wire: Forwarder) -> None:
    """Promote the replica, demote the primary, and route new connections to the new primary; old ones stay."""
    primary, replica = servers
    replica.replicaof("NO", "ONE")
    primary.replicaof(LOOPBACK, port_of(replica))
    wire.target = port_of(replica)


@pytest.fixture
async def world(wire: Forwarder, sandbox_url: str) -> AsyncIterator[World]:
    async with opened(url_of(wire), sandbox_url) as world:
        yield world


async def until_ready(world: World) -> None:
    """Send commands without a pause; the caller limits the time."""
    while (await world.get("/readyz")).status_code != 200:  # noqa: ASYNC110 - another process' state has no event
        await asyncio.sleep(0.05)


async def test_the_api_recovers_under_constant_requests(
    world: World, servers: tuple[Redis, Redis], wire: Forwarder
) -> None:
    watch = await world.watch()
    await asyncio.gather(*(world.get("/readyz") for _ in range(5)))  # several connections are in the pool
    async with asyncio.timeout(PATIENCE):
        await until(lambda: watching(servers[1]) == 1)
        fail_over(servers, wire)

        await until_ready(world)
        await world.watch("other")
    assert (await world.reload(watch))["state"] == "watching"
    assert watching(servers[1]) == 2


async def test_the_subscription_moves_to_the_new_primary(
    world: World, servers: tuple[Redis, Redis], wire: Forwarder
) -> None:
    async with asyncio.timeout(PATIENCE), world.resources.change_feed.subscribe("watch:some") as changed:
        await until(lambda: subscribers(servers[0]) == 1)
        await world.resources.store.check()
        fail_over(servers, wire)
        changed.clear()
        await until_ready(world)
        await changed.wait()  # notified, because a message may have been lost

        changed.clear()
        servers[1].publish("rb:changes", "watch:some")
        await changed.wait()


@pytest.mark.parametrize("sent_as", ["a command", "a transaction"])
async def test_arqs_connection_moves_to_the_new_primary(
    sent_as: str, servers: tuple[Redis, Redis], wire: Forwarder
) -> None:
    arq = queue.connect(Secret(url_of(wire)), patience=PATIENCE)
    await arq.set("before", 1)
    fail_over(servers, wire)

    async with asyncio.timeout(PATIENCE):
        if sent_as == "a command":
            await arq.set("after", 1)
        else:
            pipeline = arq.pipeline()
            pipeline.set("after", 1)
            await pipeline.execute()
    assert servers[1].get("after") == "1"
    await arq.aclose()


async def test_the_bell_rings_at_the_new_primary(world: World, servers: tuple[Redis, Redis], wire: Forwarder) -> None:
    world.resources.bell.ring(queue.Job.POLL)
    async with asyncio.timeout(PATIENCE):
        await until(lambda: rings(servers[0]) == 1)
        fail_over(servers, wire)
        while rings(servers[1]) < 2:
            world.resources.bell.ring(queue.Job.POLL)
            await asyncio.sleep(0.05)


@pytest.fixture
def guarded(tmp_path: Path) -> Iterator[Redis]:
    with redis_server(tmp_path / "c") as redis:
        set_user(redis, "bridge", "on", ">first", "~*", "&*", "+@all")
        yield redis


def write_url(file: Path, redis: Redis, password: str) -> Secret:
    url = f"redis://bridge:{password}@{LOOPBACK}:{port_of(redis)}"
    file.write_text(url + "\n")
    return Secret(url)


async def test_a_rotated_password_is_read_again_from_its_file(guarded: Redis, tmp_path: Path) -> None:
    file = tmp_path / "url"
    url = write_url(file, guarded, "first")
    store, arq = Store(connect(url, file)), queue.connect(url, file, patience=PATIENCE)
    await asyncio.gather(store.check(), arq.set("before", 1))
    set_user(guarded, "bridge", "resetpass", ">second")
    guarded.client_kill_filter(_type="normal", skipme=True)
    with pytest.raises(StoreUnavailable, match="invalid username-password pair"):
        await store.check()
    waiting = asyncio.ensure_future(arq.set("after", 1))
    write_url(file, guarded, "second")

    await store.check()  # at once, because the file has other credentials now
    async with asyncio.timeout(PATIENCE):
        await waiting
    assert guarded.get("after") == "1"
    await arq.aclose()
    await store.redis.aclose()


@pytest.mark.parametrize("in_a_file", [True, False])
async def test_a_start_waits_for_other_credentials_only_where_a_file_may_bring_them(
    guarded: Redis, tmp_path: Path, sandbox_url: str, *, in_a_file: bool
) -> None:
    file = tmp_path / "url"
    url = write_url(file, guarded, "outdated")
    changes = {"REDIS_URL": "", "REDIS_URL_FILE": str(file)} if in_a_file else {}
    async with open_resources(settings(url.reveal(), sandbox_url, **changes)) as resources:
        starting = asyncio.create_task(wait_for_store(resources))
        async with asyncio.timeout(PATIENCE):
            await until(lambda: bool(guarded.acl_log()))
            await asyncio.wait({starting}, timeout=0.1)
            assert starting.done() != in_a_file
            write_url(file, guarded, "first")
            await asyncio.wait({starting})

    error = starting.exception()
    assert (error is None) == in_a_file
    assert error is None or str(error).startswith("REDIS_URL can't be used. Redis: invalid username-password pair")


async def test_refused_credentials_are_not_sent_again_at_once(guarded: Redis) -> None:
    store = Store(connect(Secret(f"redis://bridge:wrong@{LOOPBACK}:{port_of(guarded)}")))
    for _ in range(20):
        with pytest.raises(StoreUnavailable, match="invalid username-password pair"):
            await store.check()

    refusals: Any = guarded.acl_log()
    assert sum(each["count"] for each in refusals) == 1
    await store.redis.aclose()
