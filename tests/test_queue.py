"""arq's connection to Redis: what it waits for, so that a worker outlives it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from redis.exceptions import OutOfMemoryError

from bridge import queue
from bridge.domain.secret import Secret
from bridge.store.connection import Store

pytestmark = pytest.mark.anyio

STEP = 0.05


@asynccontextmanager
async def full(store: Store) -> AsyncIterator[None]:
    await store.call("CONFIG", "SET", "maxmemory", 1)
    try:
        yield
    finally:
        await store.call("CONFIG", "SET", "maxmemory", 0)


async def test_a_worker_waits_for_room_in_a_full_redis(redis_url: str, store: Store) -> None:
    arq = queue.connect(Secret(redis_url), patience=20)
    async with full(store):
        beating = asyncio.create_task(arq.psetex("beat", 1000, "here"))
        await arq.enqueue_job("poll_shift")  # lost: the next one comes by cron
        await asyncio.sleep(STEP)
        assert not beating.done()

    async with asyncio.timeout(10):
        await beating
    await arq.aclose()


async def test_the_bell_does_not_wait_for_it(redis_url: str, store: Store) -> None:
    arq = queue.connect(Secret(redis_url))
    async with full(store):
        with pytest.raises(OutOfMemoryError):
            await arq.enqueue_job("poll_shift")
    await arq.aclose()
