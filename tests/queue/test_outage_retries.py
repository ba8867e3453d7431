"""Outages of Redis: what a worker waits for, for how long, and what it logs."""

import asyncio
import socket
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from bridge.errors import StoreUnavailable
from bridge.redis.options import ANSWER_TIMEOUT
from bridge.store.calls.connection import Store
from tests.support.queue_connection import STEP, TROUBLES, connect, in_transaction, troubled

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("trouble", TROUBLES)
async def test_a_worker_waits_for_a_redis_that_rejects_writes(trouble: str, redis_url: str, store: Store) -> None:
    arq = connect(redis_url, patience=20)
    async with troubled(store, trouble):
        writing = {
            asyncio.create_task(arq.psetex("beat", 1000, "here")),
            asyncio.create_task(in_transaction(arq, "SET", "ended", 1)),
        }
        done, _ = await asyncio.wait(writing, timeout=STEP)
        assert not done

    async with asyncio.timeout(10):
        await asyncio.gather(*writing)
    await arq.aclose()


@pytest.mark.parametrize("sent_as", ["a command", "a transaction"])
async def test_a_refusal_is_not_retried_and_its_error_has_no_url(sent_as: str, redis_url: str) -> None:
    arq = connect(redis_url.replace("unix://", "unix://nobody:hunter2@"), patience=20)
    async with asyncio.timeout(5):
        with pytest.raises(StoreUnavailable, match="can't be used: invalid username-password pair"):
            await (arq.ping() if sent_as == "a command" else in_transaction(arq, "PING"))
    await arq.aclose()


async def test_a_full_redis_is_logged_once_although_reads_succeed(redis_url: str, store: Store) -> None:
    arq = connect(redis_url, patience=20)
    with capture_logs() as lines:
        async with troubled(store, "full"):
            writing = [asyncio.create_task(arq.psetex(f"beat{number}", 1000, "here")) for number in range(3)]
            while not lines:
                await arq.ping()
                await asyncio.sleep(STEP)
            await arq.ping()
        async with asyncio.timeout(10):
            await asyncio.gather(*writing)

    assert [line["event"] for line in lines] == ["queue.unavailable", "queue.available"]
    await arq.aclose()


async def test_an_outage_is_logged_once_and_waited_for_until_the_patience_ends(tmp_path: Path) -> None:
    arq = connect(f"unix://{tmp_path}/nobody.sock", patience=0.3)
    with (
        capture_logs() as lines,
        pytest.raises(StoreUnavailable, match="did not come back within"),
    ):
        await arq.ping()

    assert [(line["event"], line["patience_s"]) for line in lines] == [("queue.unavailable", 0.3)]


async def test_the_result_of_a_job_is_dropped_if_redis_does_not_come_back(tmp_path: Path) -> None:
    """Otherwise the job would fail, and arq's shutdown with it."""
    arq = connect(f"unix://{tmp_path}/nobody.sock", patience=0.1)

    assert await in_transaction(arq, "DEL", "ended") == [None]


async def test_a_worker_that_shuts_down_waits_only_briefly_for_a_redis_that_hangs() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        arq = connect(f"redis://127.0.0.1:{silent.getsockname()[1]}", patience=20)
        arq.retries.last_answer_timeout = STEP
        arq.hurry()

        async with asyncio.timeout(ANSWER_TIMEOUT / 2):
            with pytest.raises(StoreUnavailable):
                await arq.get("x")
            assert await in_transaction(arq, "SET", "x", 1) == [None], "arq ends in order"
            assert await arq.delete("x") == 0
        await arq.aclose()
