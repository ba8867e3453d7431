"""The heartbeats of the API."""

import asyncio
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from bridge.redis.options import ANSWER_TIMEOUT
from bridge.version import VERSION
from bridge.web.operations.heartbeats import sending_heartbeats
from tests.support.redis_server import port_of, redis_server
from tests.support.replicated_redis import suspended
from tests.support.samples import only
from tests.support.world import World, opened

pytestmark = pytest.mark.anyio


async def listed(world: World) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await world.api.get("/readyz")).json()["apis"]
    return found


async def test_readyz_lists_the_processes_of_the_api_until_they_end(world: World) -> None:
    async with sending_heartbeats(world.resources):
        found = only(await listed(world))
        assert (found["id"][:4], found["version"]) == ("api_", VERSION)

    assert await listed(world) == []


async def test_the_end_does_not_wait_for_a_silent_redis(tmp_path: Path, sandbox_url: str) -> None:
    with redis_server(tmp_path / "own", "--appendonly", "yes") as redis:
        async with opened(f"redis://127.0.0.1:{port_of(redis)}", sandbox_url) as world:
            with ExitStack() as silence:
                async with asyncio.timeout(ANSWER_TIMEOUT / 2), sending_heartbeats(world.resources, patience=0.05):
                    silence.enter_context(suspended(redis))
