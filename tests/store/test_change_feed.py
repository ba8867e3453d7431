"""A pub/sub connection that is lost silently, as behind a firewall: subscribers are still notified."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path

import pytest

from bridge import queue
from bridge.domain.polling.poll_results import ImportUpdate
from bridge.domain.secret import Secret
from bridge.store import keys
from bridge.store.calls.connection import Store, connect
from bridge.store.change_feed import ChangeFeed
from bridge.store.imports.imports import PollCommit
from bridge.web.endpoints.events import watch_events
from tests.faults.forwarder import Forwarder
from tests.support.forwarding import forwarding, until, url_of
from tests.support.samples import READING
from tests.support.store_parts import StoreParts
from tests.support.world import World, opened

pytestmark = pytest.mark.anyio
PATIENCE = 20.0


@pytest.fixture
async def wire(redis_url: str) -> AsyncIterator[Forwarder]:
    async with forwarding(redis_url.removeprefix("unix://")) as wire:
        yield wire


@pytest.fixture
async def world(wire: Forwarder, sandbox_url: str) -> AsyncIterator[World]:
    async with opened(url_of(wire), sandbox_url) as world:
        yield world


async def test_a_subscription_without_a_pong_is_replaced_and_its_subscribers_are_notified(wire: Forwarder) -> None:
    store = Store(connect(Secret(url_of(wire))))
    changes = ChangeFeed(store, silence=0.1)
    async with asyncio.timeout(PATIENCE), changes.subscribe("watch:some") as changed:
        assert wire.swallow(subscriptions_alone=True) == 1
        changed.clear()
        await changed.wait()  # notified, because a message may have been lost

        changed.clear()
        await store.call("PUBLISH", "rb:changes", "watch:some")
        await changed.wait()
    await changes.aclose()
    await store.redis.aclose()


async def test_the_changes_of_one_commit_reach_the_subscribers_of_each_import(parts: StoreParts) -> None:
    feed, names = ChangeFeed(parts.store), ("one", "two", "unchanged")
    for name in names:
        await parts.accept(f"wat_{name}", import_id=name)
    async with asyncio.timeout(PATIENCE), AsyncExitStack() as stack:
        topics = [keys.import_topic("default", name) for name in names]
        changed = [await stack.enter_async_context(feed.subscribe(topic)) for topic in topics]
        await changed[0].wait()  # notified once it is connected
        for each in changed:
            each.clear()
        claims = [each for each in await parts.claim(3) if each.import_id != "unchanged"]
        now = await parts.store.now()
        reads = [ImportUpdate(due=now, reading=replace(READING, import_id=each.import_id)) for each in claims]
        commits = [PollCommit(claim=claim, update=read, at=now) for claim, read in zip(claims, reads, strict=True)]
        await parts.imports.commit("default", commits, settle_by=now)
        await changed[0].wait()
        await changed[1].wait()
        assert not changed[2].is_set()
    await feed.aclose()


async def test_a_quiet_subscription_that_answers_stays(wire: Forwarder) -> None:
    store = Store(connect(Secret(url_of(wire))))
    changes = ChangeFeed(store, silence=0.3)
    async with asyncio.timeout(PATIENCE), changes.subscribe("watch:some") as changed:
        (subscription,) = [each for each in wire.passages if each.subscribed]
        while "cmd=ping" not in await store.call("CLIENT", "LIST", "TYPE", "pubsub"):  # noqa: ASYNC110 - in Redis
            await asyncio.sleep(0.05)

        changed.clear()
        await store.call("PUBLISH", "rb:changes", "watch:some")
        await changed.wait()
        assert [each for each in wire.passages if each.subscribed] == [subscription]
    await changes.aclose()
    await store.redis.aclose()


def subscribed(wire: Forwarder) -> bool:
    return any(each.subscribed for each in wire.passages)


TABLE = Path("/proc/net/tcp")
ESTABLISHED, KEEPALIVE = "01", "02"


def timer_of(port: int) -> str:
    """Return the kind of timer that Linux runs for the socket at a local port."""
    rows = [line.split() for line in TABLE.read_text().splitlines()]
    (timer,) = [row[5] for row in rows if row[1].endswith(f":{port:04X}") and row[3] == ESTABLISHED]
    return timer.partition(":")[0]


@pytest.mark.skipif(not TABLE.exists(), reason="only Linux tells the timers of its sockets")
async def test_every_connection_has_tcps_keepalive(wire: Forwarder) -> None:
    store, arq = Store(connect(Secret(url_of(wire)))), queue.connect(Secret(url_of(wire)))
    changes = ChangeFeed(store)
    async with asyncio.timeout(PATIENCE), changes.subscribe("watch:some"):
        await asyncio.gather(store.check(), arq.ping())
        assert len(wire.passages) == 3
        assert [timer_of(each.client_port) for each in wire.passages] == [KEEPALIVE] * 3
    await changes.aclose()
    await arq.aclose()
    await store.redis.aclose()


async def test_a_long_poll_ends_with_the_stored_state(world: World, wire: Forwarder) -> None:
    path = f"/v1/watches/{(await world.watch())['id']}"
    async with asyncio.timeout(PATIENCE), world.resources.change_feed.subscribe("watch:other"):
        await until(lambda: subscribed(wire))
        wire.swallow(subscriptions_alone=True)
        waiting = asyncio.create_task(world.get(path, wait=1))
        await until(lambda: world.resources.change_feed.listeners == 2)
        await world.post(f"{path}/cancel")

        answer = await waiting
    assert answer.json()["state"] == "cancelled"


async def test_a_stream_reads_the_store_at_each_keep_alive(world: World, wire: Forwarder) -> None:
    watch = await world.resources.watches.get((await world.watch())["id"])
    assert watch is not None
    stream = watch_events(world.resources, watch, keep_alive=0.1)
    async with asyncio.timeout(PATIENCE):
        assert (await anext(stream)).startswith("event: watch")
        await until(lambda: subscribed(wire))
        wire.swallow(subscriptions_alone=True)
        await world.post(f"/v1/watches/{watch.id}/cancel")

        assert [event async for event in stream if event.startswith("event: outcome")]
