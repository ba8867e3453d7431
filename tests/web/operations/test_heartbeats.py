"""The heartbeats of the API."""

from typing import Any

import pytest

from bridge.version import VERSION
from bridge.web.operations.heartbeats import sending_heartbeats
from tests.support.samples import only
from tests.support.world import World

pytestmark = pytest.mark.anyio


async def listed(world: World) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await world.api.get("/readyz")).json()["apis"]
    return found


async def test_readyz_lists_the_processes_of_the_api_until_they_end(world: World) -> None:
    async with sending_heartbeats(world.resources):
        found = only(await listed(world))
        assert (found["id"][:4], found["version"]) == ("api_", VERSION)

    assert await listed(world) == []
