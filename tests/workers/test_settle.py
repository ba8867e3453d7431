"""Settling: the outcome of a watch by readings, absences and expiry."""

from typing import Any

import pytest

from bridge.domain.times import MINUTE, SECOND
from tests.support.world import World

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize(
    ("status", "facts", "outcome"),
    [
        ("COMPLETED", {}, "completed"),
        ("COMPLETED", {"failed": 3}, "completed_with_failures"),
        ("COMPLETED", {"failedRecords": None}, "completed"),
        ("ERROR", {}, "failed"),
    ],
)
async def test_a_final_status_settles_the_watch(world: World, status: str, facts: dict[str, Any], outcome: str) -> None:
    await world.sandbox.set_import("imp", (status, 0), **facts)
    watch = await world.watch()

    await world.poll()

    seen = await world.reload(watch)
    assert (seen["state"], seen["outcome"], seen["polls"]) == ("settled", outcome, 1)
    assert seen["import"]["status"] == status
    assert seen["import"]["failedRecordCount"] == facts.get("failed", 0)
    assert seen["nextPollAt"] is None


@pytest.mark.parametrize(("status", "outcome"), [(404, "not_found"), (403, "forbidden")])
async def test_an_absent_import_ends_the_watch_after_the_grace(world: World, status: int, outcome: str) -> None:
    await world.sandbox.faults(status=status, times=1000)
    watch = await world.watch()
    await world.poll()
    assert (await world.reload(watch))["state"] == "watching"

    world.pass_time(5 * MINUTE)
    await world.poll()
    world.pass_time(5 * MINUTE)
    young = await world.watch()
    await world.poll()

    seen = await world.reload(watch)
    assert (seen["state"], seen["outcome"]) == ("settled", outcome)
    assert "Rally" in seen["reason"]
    assert (await world.reload(young))["state"] == "watching"


async def test_an_import_that_appears_within_the_grace_is_watched_to_its_end(world: World) -> None:
    watch = await world.watch()
    await world.poll()
    await world.sandbox.set_import("imp", ("COMPLETED", 0))

    world.pass_time(MINUTE)
    await world.poll()

    assert (await world.reload(watch))["outcome"] == "completed"


async def test_the_reason_of_a_timeout_names_a_refused_key(world: World) -> None:
    await world.sandbox.faults(status=401, times=1000)
    watch = await world.watch(expiresIn=60)
    await world.poll()

    world.pass_time(MINUTE)
    await world.sweep()
    assert (await world.reload(watch))["state"] == "watching"
    world.pass_time(30 * SECOND)
    await world.sweep()

    seen = await world.reload(watch)
    assert seen["outcome"] == "timed_out"
    assert "Rally refused our key since" in seen["reason"]


async def test_a_watch_times_out_when_its_last_poll_finds_the_import_unfinished(world: World) -> None:
    await world.sandbox.set_import("imp", ("UPLOADING", 0))
    watch = await world.watch(expiresIn=60)
    await world.poll()

    world.pass_time(MINUTE)
    await world.sweep()
    await world.poll()
    assert len(await world.sandbox.requests()) == 2
    world.pass_time(2 * SECOND)
    await world.sweep()

    seen = await world.reload(watch)
    assert seen["outcome"] == "timed_out"
    assert "UPLOADING" in seen["reason"]


async def test_a_cancelled_watch_shows_its_import_as_last_read(world: World) -> None:
    await world.sandbox.set_import("imp", ("UPLOADING", 0))
    watch = await world.watch()
    for _ in range(3):
        await world.poll()
        world.pass_time(MINUTE)
    before = await world.reload(watch)

    cancelled = (await world.post(f"/v1/watches/{watch['id']}/cancel")).json()

    as_read = ("import", "polls", "lastPolledAt")
    assert (before["polls"], before["import"]["status"]) == (3, "UPLOADING")
    for later in (cancelled, await world.reload(watch)):
        assert later["state"] == "cancelled"
        assert {name: later[name] for name in as_read} == {name: before[name] for name in as_read}


async def test_a_watch_shows_the_last_unusable_answer_until_a_reading(world: World) -> None:
    await world.sandbox.set_import("imp", ("UPLOADING", 0))
    await world.sandbox.faults(status=400, times=1)
    watch = await world.watch()
    await world.poll()
    amiss = await world.reload(watch)
    world.pass_time(MINUTE)
    await world.poll()

    assert (amiss["state"], amiss["reason"]) == ("watching", "no usable answer from Rally: HTTP 400")
    assert (await world.reload(watch))["reason"] is None


async def test_the_reason_of_a_timeout_names_the_last_unusable_answer(world: World) -> None:
    await world.sandbox.faults(status=422, times=1000)
    watch = await world.watch(expiresIn=60)
    await world.poll()
    world.pass_time(2 * MINUTE)
    await world.sweep()

    seen = await world.reload(watch)
    assert seen["outcome"] == "timed_out"
    assert seen["reason"].endswith("no usable answer from Rally: HTTP 422")


async def test_the_reason_of_a_timeout_names_the_last_status_and_the_outage(world: World) -> None:
    await world.sandbox.set_import("imp", ("UPLOADING", 0))
    watch = await world.watch(expiresIn=600)
    await world.poll()
    await world.sandbox.faults(status=503, times=1000)
    for _ in range(9):
        await world.poll()
        world.pass_time(MINUTE)
    world.pass_time(2 * MINUTE)
    await world.sweep()

    seen = await world.reload(watch)
    assert seen["outcome"] == "timed_out"
    assert ": the last status was UPLOADING; then no usable answer from Rally since" in seen["reason"]
    assert seen["reason"].endswith(": HTTP 503")
