"""The heartbeat of a worker, and the file that shows that it is alive."""

import asyncio
import os
from pathlib import Path

import pytest

from bridge.version import VERSION
from tests.support.samples import only
from tests.support.world import World
from workers.alive_file import keep_touching
from workers.delivery_slots import SLOTS

pytestmark = pytest.mark.anyio


async def test_readyz_lists_the_workers_until_they_shut_down(world: World) -> None:
    await world.worker.heartbeat.send()
    await world.worker.heartbeat.send()

    listed = only((await world.api.get("/readyz")).json()["workers"])
    assert (listed["id"][:4], listed["version"], listed["startedAt"] <= listed["lastSeenAt"]) == ("wrk_", VERSION, True)

    load = listed["load"]
    assert (load["polls"], load["deliveries"], load["deliveryPlaces"]) == (0, 0, SLOTS)
    assert load["pollPlaces"] == sum(each.places for each in world.worker.polls.values()) > 0

    await world.worker.close()
    assert (await world.api.get("/readyz")).json()["workers"] == []


async def test_the_file_is_touched_while_the_worker_is_alive(tmp_path: Path) -> None:
    alive = tmp_path / "alive"
    alive.touch()
    os.utime(alive, (0, 0))
    touching = asyncio.create_task(keep_touching(alive))
    await asyncio.sleep(0)
    touching.cancel()

    assert alive.stat().st_mtime > 0


async def test_a_file_that_cannot_be_touched_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(NotADirectoryError):
        await keep_touching(tmp_path / "file" / "alive")
