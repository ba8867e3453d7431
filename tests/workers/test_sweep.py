"""The sweep: final polls, interrupted settling, and retention."""

import pytest

from bridge.domain.times import DAY, HOUR, MINUTE, SECOND
from tests.support.samples import only
from tests.support.world import World

pytestmark = pytest.mark.anyio


async def test_an_expired_watch_gets_one_last_poll(world: World) -> None:
    await world.sandbox.set_import("imp", ("UPLOADING", 0))
    watch = await world.watch(expiresIn=3600)
    await world.poll()
    world.pass_time(HOUR - 2 * SECOND)
    await world.poll()
    await world.sandbox.set_import("imp", ("COMPLETED", 0))

    world.pass_time(2 * SECOND)
    await world.sweep()
    await world.poll()

    assert (await world.reload(watch))["outcome"] == "completed"


async def test_the_last_poll_of_an_expired_watch_waits_for_the_retry_after_of_a_503(world: World) -> None:
    await world.sandbox.set_import("imp", ("UPLOADING", 0))
    watch = await world.watch(expiresIn=3600)
    await world.poll()
    await world.sandbox.faults(status=503, times=1, importId="imp", retryAfter=10)
    world.pass_time(HOUR - 2 * SECOND)
    await world.poll()
    await world.sandbox.set_import("imp", ("COMPLETED", 0))

    world.pass_time(5 * SECOND)
    await world.sweep()
    await world.poll()
    early = await world.reload(watch)
    assert (early["state"], early["lastPoll"]["status"]) == ("watching", 503)

    world.pass_time(6 * SECOND)
    await world.poll()
    assert (await world.reload(watch))["outcome"] == "completed"


async def test_settling_that_was_interrupted_is_resumed_by_the_sweep(world: World) -> None:
    await world.sandbox.set_import("imp", ("COMPLETED", 0))
    watch = await world.watch()
    world.worker.settler.start = lambda *_: None  # type: ignore[method-assign]  # simulates a worker that dies here
    await world.poll()
    assert (await world.reload(watch))["state"] == "watching"

    world.pass_time(10 * SECOND)
    await world.sweep()

    assert (await world.reload(watch))["outcome"] == "completed"


async def test_an_import_whose_reading_cannot_be_decrypted_does_not_delay_other_expiries(world: World) -> None:
    imports = [f"imp{number}" for number in range(3)]
    for import_id in imports:
        await world.sandbox.set_import(import_id, ("UPLOADING", 0))
    watches = [await world.watch(import_id, expiresIn=60) for import_id in imports]
    await world.poll()
    await world.resources.store.call("HSET", "rb:import:default:imp0", "reading", "not encrypted by us")
    await world.sandbox.faults(status=500, times=1000)

    world.pass_time(2 * MINUTE)
    for _ in range(2):
        await world.sweep()
        world.pass_time(2 * SECOND)

    assert [(await world.reload(watch))["outcome"] for watch in watches[1:]] == ["timed_out"] * 2


async def test_ended_watches_are_deleted_after_the_retention(world: World) -> None:
    await world.sandbox.set_import("imp", ("COMPLETED", 0))
    watch = await world.watch()
    open_watch = await world.watch("imp-open", expiresIn=30 * 86_400)
    await world.poll()

    world.pass_time(29 * DAY)
    await world.sweep()
    assert (await world.reload(watch))["outcome"] == "completed"
    world.pass_time(DAY)
    await world.sweep()

    keys = set(await world.resources.store.call("KEYS", "rb:*"))
    assert not [key for key in keys if watch["id"] in key]
    assert [key for key in keys if open_watch["id"] in key]
    assert only(await world.resources.store.call("ZRANGE", "rb:watches:in:watching", 0, -1)) == open_watch["id"]
