"""arq's connection to Redis: what it waits for, so that a worker outlives it; and its jobs, which are only rings."""

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from arq.worker import JobExecutionFailed
from redis.exceptions import OutOfMemoryError
from world import FERNET, SERVICE_SECRET

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


def test_what_became_of_a_job_can_be_written_down_also_where_it_failed() -> None:
    """arq complains in the log of what it can't write, with a traceback."""
    written = queue.serialize({"s": False, "r": JobExecutionFailed("job expired")})

    assert "job expired" in queue.deserialize(written)["r"]


def test_a_job_of_cron_that_was_interrupted_may_begin_again() -> None:
    """arq's cron allows one try, if nothing is said, and calls the second one a failure."""
    code = "from workers.settings import WorkerSettings as ours; print(*(job.max_tries for job in ours.cron_jobs))"
    environ = {
        "REDIS_URL": "redis://127.0.0.1:1",
        "RALLY_API_KEY": "key-of-rally",
        "BRIDGE_API_KEYS": f"crm:{'k' * 20}",
        "BRIDGE_ENCRYPTION_KEYS": FERNET,
        "CALLBACK_SECRETS": SERVICE_SECRET,
    }
    done = subprocess.run([sys.executable, "-c", code], env=environ, capture_output=True, text=True, check=True)

    assert done.stdout.split() == ["1000000"] * 3
