"""The queue of arq's jobs: how a job is written, and how a waiting worker learns of it."""

import asyncio

import pytest
from arq.worker import JobExecutionFailed

from bridge import queue
from bridge.store.calls.connection import Store
from tests.support.queue_connection import STEP, connect


def test_the_result_of_a_failed_job_can_be_serialized() -> None:
    """arq logs a traceback for a result that it cannot serialize."""
    written = queue.serialize({"s": False, "r": JobExecutionFailed("job expired")})

    assert "job expired" in queue.deserialize(written)["r"]


@pytest.mark.anyio
async def test_an_idle_worker_reads_the_queue_only_after_a_ring(redis_url: str, store: Store) -> None:
    waiting, ringing = connect(redis_url, patience=20), connect(redis_url)
    waiting.read_interval = 60.0  # longer than the answer timeout of the connection, which must not pass
    reading = asyncio.create_task(waiting.zrangebyscore(queue.QUEUE, "-inf", "+inf"))
    done, _ = await asyncio.wait({reading}, timeout=STEP)
    assert not done

    for _ in range(3):
        await ringing.enqueue_job("poll_shift")
    async with asyncio.timeout(2):
        assert await reading
    assert await store.call("LLEN", "rb:wakeups") <= 1, "wake-ups do not accumulate"
    await waiting.aclose()
    await ringing.aclose()
