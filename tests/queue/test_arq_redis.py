"""arq's connection to Redis: a worker survives lost connections, and finds its jobs by every clock."""

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from time import time
from typing import Any, cast

import pytest
from arq.constants import in_progress_key_prefix, job_key_prefix
from arq.worker import Worker, func

from bridge import queue
from bridge.store.calls.connection import Store
from tests.support.queue_connection import STEP, connect, troubled
from tests.support.world import FERNET, SERVICE_SECRET

pytestmark = pytest.mark.anyio


async def test_the_health_check_key_outlasts_a_late_renewal(redis_url: str) -> None:
    arq = connect(redis_url)
    await arq.psetex("beat", 6000, "here")
    assert await arq.pttl("beat") > 10_000
    await arq.aclose()


async def test_a_worker_survives_a_cron_job_that_a_full_redis_rejects(redis_url: str, store: Store) -> None:
    arq = connect(redis_url, patience=0.2)
    async with troubled(store, "full"):
        assert await arq.enqueue_job("poll_shift") is None
    await arq.aclose()


class Snare:
    """A proxy between a worker and Redis that disturbs the first command of a given name."""

    def __init__(self, redis: str, command: str, then: str) -> None:
        self.sprung = False
        self._redis = redis
        self._command = f"{command}\r\n".encode()
        self._mute = then == "gets no answer"
        self._lines: set[asyncio.Task[None]] = set()

    @asynccontextmanager
    async def on(self, socket: Path) -> AsyncIterator[str]:
        server = await asyncio.start_unix_server(self._connected, socket)
        try:
            yield f"unix://{socket}?socket_timeout=0.3"
        finally:
            server.close()
            await asyncio.gather(*self._lines)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._lines.add(cast("asyncio.Task[None]", asyncio.current_task()))
        answers, commands = await asyncio.open_unix_connection(self._redis)
        back = asyncio.create_task(self._carry(answers, writer))
        with suppress(ConnectionError):
            while (said := await reader.read(65536)) and not self._springs(said):
                commands.write(said)
            while said and self._mute and await reader.read(65536):
                pass  # no reply is ever sent
        commands.close()
        writer.close()
        await back

    def _springs(self, said: bytes) -> bool:
        springs = not self.sprung and self._command in said
        self.sprung = self.sprung or springs
        return springs

    @staticmethod
    async def _carry(answers: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            while said := await answers.read(65536):
                writer.write(said)


@asynccontextmanager
async def at_work(url: str, done: asyncio.Event) -> AsyncIterator["asyncio.Task[None]"]:
    """Run arq's own worker over our connection until the block ends."""

    async def ring(ctx: dict[Any, Any]) -> None:  # noqa: ARG001 - arq's name for it
        done.set()

    worker = Worker(
        [func(ring, name="poll_shift", keep_result=0)],
        queue_name=queue.QUEUE,
        redis_pool=connect(url, patience=20),
        job_serializer=queue.serialize,
        job_deserializer=queue.deserialize,
        handle_signals=False,
        poll_delay=STEP,
        health_check_interval=STEP,
    )
    main = asyncio.create_task(worker.async_run())
    try:
        yield main
    finally:
        while not main.done():
            main.cancel()  # before Python 3.12 a cancellation may be swallowed: see bridge.queue.shutdown
            await asyncio.wait({main}, timeout=STEP)
        await asyncio.gather(*worker.tasks.values(), return_exceptions=True)
        await worker.pool.aclose()


@pytest.mark.parametrize("then", ["is cut", "gets no answer"])
@pytest.mark.parametrize(
    "command",
    ["INFO", "ZRANGEBYSCORE", "WATCH", "EXISTS", "ZSCORE", "UNWATCH", "MULTI", "INCRBY", "ZCARD", "ZREM", "BLPOP"],
)
async def test_a_worker_outlives_a_connection_that_is_lost_at_any_of_arqs_commands(
    command: str, then: str, redis_url: str, store: Store, tmp_path: Path
) -> None:
    arq, done = connect(redis_url), asyncio.Event()
    job = await arq.enqueue_job("poll_shift")
    assert job
    # At first another worker seems to have started the job, so that arq sends UNWATCH.
    await store.call("SET", in_progress_key_prefix + job.job_id, 1, "PX", 200)

    snare = Snare(redis_url.removeprefix("unix://"), command, then)
    async with asyncio.timeout(20), snare.on(tmp_path / "s") as url, at_work(url, done) as main:
        await done.wait()
        while await store.call("EXISTS", queue.QUEUE):
            assert not main.done()
            await asyncio.sleep(STEP)

        assert snare.sprung
        assert not main.done()
    await arq.aclose()


@pytest.mark.usefixtures("store")
@pytest.mark.parametrize("enqueued_by", ["the bell", "cron"])
async def test_a_worker_whose_clock_is_an_hour_behind_finds_a_job_at_once(enqueued_by: str, redis_url: str) -> None:
    """A worker with the correct clock runs it as well; arq would drop an expired job."""
    arq, done = connect(redis_url), asyncio.Event()
    job = await arq.enqueue_job("poll_shift", _defer_until=datetime.now(UTC) if enqueued_by == "cron" else None)
    assert job

    an_hour_behind = (time() - 3600) * 1000
    assert await arq.zrangebyscore(queue.QUEUE, "-inf", an_hour_behind) == [job.job_id.encode()]
    assert 23 * 3600 < await arq.ttl(job_key_prefix + job.job_id) <= 24 * 3600
    async with asyncio.timeout(10), at_work(redis_url, done):
        await done.wait()
    await arq.aclose()


def test_an_interrupted_cron_job_may_run_again() -> None:
    """arq's cron allows one try by default, and counts a second one as a failure."""
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
