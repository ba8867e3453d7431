"""A thousand open connections to `rally-bridge serve`, started with a shell's usual limits."""

import asyncio
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import pytest
from redis import Redis

from tests.support.api_process import served
from tests.support.plain_http import plain_async_client
from tests.support.world import CLIENT_KEY, bearer

pytestmark = [pytest.mark.slow, pytest.mark.anyio]

CONNECTIONS = 1000
USUAL_LIMIT = 1024
QUIET = 17.0
"""Seconds; longer than one keep-alive interval of a stream, and shorter than two."""
COMMANDS_OF_A_LOOK = 8
"""Commands that a stream may need: for the watch, its import, next poll and deliveries, and for what it waits for."""
COMMANDS_OF_THE_PROCESS = 100
"""Commands that the process itself may need meanwhile, for its heartbeats."""


@contextmanager
def files(limit: int) -> Iterator[None]:
    """Limit the open files of this process and of its children."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (limit, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)


async def response_of(url: str, path: str) -> bytes:
    """Send a request; return the whole response once the server has closed the connection."""
    place = urlsplit(url)
    reader, writer = await asyncio.open_connection(place.hostname, place.port)
    head = f"GET {path} HTTP/1.1\r\nHost: bridge\r\nAuthorization: Bearer {CLIENT_KEY}\r\nConnection: close\r\n\r\n"
    writer.write(head.encode())
    answer = await reader.read()
    writer.close()
    return answer


def command_counts(redis: "Redis") -> Any:
    """Return how often Redis has run each command, without PING and this one."""
    stats: Any = redis.info("commandstats")
    return {name: each["calls"] for name, each in stats.items() if name not in {"cmdstat_ping", "cmdstat_info"}}


async def quiet_counts(redis: "Redis") -> Any:
    """Wait until no commands arrive: all streams have read their watch once."""
    before, now = None, command_counts(redis)
    while before != now:
        await asyncio.sleep(1)
        before, now = now, command_counts(redis)
    return now


async def test_a_thousand_waiting_requests_cost_one_read_each_and_are_all_answered_on_shutdown(redis_url: str) -> None:
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    with files(USUAL_LIMIT), Redis.from_url(redis_url) as redis:
        redis.flushall()
        with served(redis_url) as url:
            async with plain_async_client(url, headers=bearer(CLIENT_KEY)) as http:
                answers = [await http.post("/v1/watches", json={"importId": f"imp-{n}"}) for n in range(50)]
            paths = [
                f"/v1/watches/{answer.json()['id']}{kind}" for answer in answers for kind in ("?wait=60", "/events")
            ]
            with files(hard):
                held_open = [asyncio.create_task(response_of(url, paths[n % len(paths)])) for n in range(CONNECTIONS)]
                before = await quiet_counts(redis)
                await asyncio.sleep(QUIET)

                after = command_counts(redis)
                read = sum(after.values()) - sum(before.values())
                looks = COMMANDS_OF_A_LOOK * CONNECTIONS // 2
                assert read <= looks + COMMANDS_OF_THE_PROCESS, "a stream reads once at each sign of life"
                assert not any(each.done() for each in held_open)
        # `served` has stopped the process, which did not wait until the requests end by themselves.
        whole = await asyncio.wait_for(asyncio.gather(*held_open), 10)
        assert {answer.split(b"\r\n")[0] for answer in whole} == {b"HTTP/1.1 200 OK"}
        streams = [answer for answer in whole if b"text/event-stream" in answer]
        assert len(streams) == CONNECTIONS // 2
        assert all(stream.endswith(b"0\r\n\r\n") for stream in streams)
