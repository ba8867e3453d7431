"""Connections to what sentinels name: store, queue and subscription, real sentinels, and what may be wrong."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import pytest
from redis import Redis

from bridge import queue
from bridge.domain.secret import Secret
from bridge.domain.sentinel_urls import SentinelLogin
from bridge.errors import CredentialsRefused, StoreUnavailable
from bridge.store.calls.connection import Store, connect
from bridge.store.change_feed import ChangeFeed
from tests.faults.wire import LOOPBACK
from tests.support.forwarding import until
from tests.support.redis_server import port_of, redis_server, set_user
from tests.support.sentinel_server import MASTER, name_master, sentinel_server, sentinel_url_of

pytestmark = pytest.mark.anyio
PATIENCE = 20.0


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Redis, Redis]]:
    home = tmp_path_factory.mktemp("servers")
    with ExitStack() as stack:
        yield stack.enter_context(redis_server(home / "a")), stack.enter_context(redis_server(home / "b"))


@pytest.fixture
def sentinel(servers: tuple[Redis, Redis], tmp_path: Path) -> Iterator[Redis]:
    """A sentinel that names the first server; the second one is another master."""
    for server in servers:
        server.replicaof("NO", "ONE")
        server.flushall()
    with sentinel_server(tmp_path / "sentinel") as sentinel:
        name_master(sentinel, servers[0])
        yield sentinel


def fail_over(servers: tuple[Redis, Redis], sentinel: Redis) -> None:
    """Let another server be the master, as a sentinel does: it also closes the connections to the former one."""
    servers[0].replicaof(LOOPBACK, port_of(servers[1]))
    name_master(sentinel, servers[1])
    for kind in ("normal", "pubsub"):
        servers[0].client_kill_filter(_type=kind, skipme=True)


async def until_stored(store: Store, key: str) -> None:
    """Write until a write succeeds; the caller limits the time."""
    stored = False
    while not stored:
        with suppress(StoreUnavailable):
            stored = bool(await store.call("SET", key, 1))
        await asyncio.sleep(0.05)


async def test_the_store_follows_the_master(servers: tuple[Redis, Redis], sentinel: Redis) -> None:
    store = Store(connect(Secret(sentinel_url_of(sentinel))))
    await store.call("SET", "before", 1)
    fail_over(servers, sentinel)
    async with asyncio.timeout(PATIENCE):
        await until_stored(store, "after")
    await store.redis.aclose()

    assert servers[1].get("after") == "1"


async def test_the_queue_follows_the_master(servers: tuple[Redis, Redis], sentinel: Redis) -> None:
    arq = queue.connect(Secret(sentinel_url_of(sentinel)), patience=PATIENCE)
    await arq.set("before", 1)
    fail_over(servers, sentinel)
    async with asyncio.timeout(PATIENCE):
        await arq.set("after", 1)
    await arq.aclose()

    assert servers[1].get("after") == "1"


def test_arqs_own_check_asks_the_sentinels_as_well() -> None:
    known = queue.redis_settings(f"rediss+sentinel://user:word@one,two:26380/3?master={MASTER}")
    assert (known.sentinel, known.sentinel_master, known.ssl, known.database) == (True, MASTER, True, 3)
    assert known.host == [("one", 26379), ("two", 26380)]
    assert (known.username, known.password) == ("user", "word")


async def test_the_subscription_follows_the_master(servers: tuple[Redis, Redis], sentinel: Redis) -> None:
    store = Store(connect(Secret(sentinel_url_of(sentinel))))
    feed = ChangeFeed(store)
    async with asyncio.timeout(PATIENCE), feed.subscribe("watch:some") as changed:
        await until(lambda: subscribed(servers[0]))
        fail_over(servers, sentinel)
        await until(lambda: subscribed(servers[1]))
        changed.clear()
        servers[1].publish("rb:changes", "watch:some")
        await changed.wait()
    await feed.aclose()
    await store.redis.aclose()


def subscribed(redis: Redis) -> bool:
    known: Any = redis.pubsub_numsub("rb:changes")
    return int(known[0][1]) == 1


async def test_a_server_that_is_no_master_is_not_used(servers: tuple[Redis, Redis], sentinel: Redis) -> None:
    servers[0].replicaof(LOOPBACK, port_of(servers[1]))
    store = Store(connect(Secret(sentinel_url_of(sentinel))))
    with pytest.raises(StoreUnavailable, match="is no master yet"):
        await store.call("GET", "some")
    await store.redis.aclose()


async def test_a_sentinel_that_is_down_does_not_matter(sentinel: Redis) -> None:
    hosts = f"redis+sentinel://{LOOPBACK}:1,"
    url = sentinel_url_of(sentinel).replace("redis+sentinel://", hosts)
    store = Store(connect(Secret(url)))
    await store.check()
    await store.redis.aclose()


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (lambda url: url.replace(f"master={MASTER}", "master=other"), "the sentinels know no master named other"),
        (lambda _: f"redis+sentinel://{LOOPBACK}:1?master={MASTER}", "no sentinel answers"),
    ],
)
async def test_what_is_wrong_is_said(wrong: Callable[[str], str], words: str, sentinel: Redis) -> None:
    store = Store(connect(Secret(wrong(sentinel_url_of(sentinel)))))
    with pytest.raises(StoreUnavailable, match=f"Redis: {words}"):
        await store.check()
    await store.redis.aclose()


async def test_redis_and_its_sentinels_have_logins_of_their_own(servers: tuple[Redis, Redis], sentinel: Redis) -> None:
    set_user(servers[0], "bridge", "on", ">redis", "~*", "&*", "+@all")
    set_user(sentinel, "asker", "on", ">sentinel", "~*", "&*", "+@all")
    set_user(sentinel, "default", "off")
    url = Secret(sentinel_url_of(sentinel, login="bridge:redis@").replace(LOOPBACK, "localhost"))
    login = SentinelLogin(user=Secret("asker"), password=Secret("sentinel"))
    store, refused = Store(connect(url, None, login)), Store(connect(url))
    assert await store.call("ACL", "WHOAMI") == "bridge"
    with pytest.raises(CredentialsRefused, match="the sentinels refuse REDIS_SENTINEL_USERNAME or REDIS_SENTINEL_P"):
        await refused.check()
    await store.redis.aclose()
    await refused.redis.aclose()
