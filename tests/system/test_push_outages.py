"""Pushes during outages of Redis: each gets its 503 in time, and is recorded once when it is sent again."""

import asyncio
import signal
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from bridge.domain.rules.pushes import CSV_FINISHED
from bridge.store import keys
from tests.support.api_process import served
from tests.support.plain_http import plain_async_client
from tests.support.push_messages import PUSH_SECRET, push_body, send_push
from tests.support.redis_process import RedisProcess

pytestmark = [pytest.mark.slow, pytest.mark.anyio]

PUSHES = 150
SVIX_WAITS = timedelta(seconds=15)


@pytest.fixture
def redis_process(tmp_path: Path) -> Iterator[RedisProcess]:
    redis_process = RedisProcess(tmp_path)
    redis_process.start()
    yield redis_process
    redis_process.kill()


async def push_all(http: httpx.AsyncClient) -> list[httpx.Response]:
    """Send every push at once."""
    sent = (send_push(http, push_body(f"imp_{each}"), message_id=f"msg_{each}") for each in range(PUSHES))
    return list(await asyncio.gather(*sent))


@pytest.mark.parametrize(
    ("begin", "end"),
    [
        (RedisProcess.kill, RedisProcess.start),
        (lambda redis: redis.send_signal(signal.SIGSTOP), lambda redis: redis.send_signal(signal.SIGCONT)),
    ],
    ids=["killed", "suspended"],
)
async def test_pushes_during_an_outage_are_turned_away_in_time_and_taken_later(
    redis_process: RedisProcess, begin: Callable[[RedisProcess], None], end: Callable[[RedisProcess], None]
) -> None:
    with served(redis_process.url, RALLY_WEBHOOK_SECRETS=PUSH_SECRET) as url:
        async with plain_async_client(url, timeout=30, limits=httpx.Limits()) as http:
            begin(redis_process)
            away = await push_all(http)
            end(redis_process)
            first, again = await push_all(http), await push_all(http)

    assert max(answer.elapsed for answer in away) < SVIX_WAITS
    assert {(answer.status_code, "retry-after" in answer.headers) for answer in away} == {(503, True)}
    assert {answer.status_code for answer in first + again} == {204}
    with redis_process.client() as redis:
        stats = redis.hgetall(keys.push_counts("default"))
        recorded, repeated = (int(stats[f"{result}:{CSV_FINISHED}"]) for result in ("unwatched", "duplicate"))
    # Of a suspended Redis nobody knows whether it has recorded what it received.
    assert recorded == PUSHES
    assert PUSHES <= repeated <= 2 * PUSHES
