"""Redis' clock is set back: nothing waits longer than it would have before."""

from dataclasses import fields

import pytest

from bridge.domain.imports import Absence, Reading
from bridge.domain.polling.absences import next_streak
from bridge.domain.polling.budget import MOMENTS, Budget, Grant, set_back
from bridge.domain.polling.poll_results import ImportUpdate
from bridge.domain.times import HOUR, MINUTE, SECOND
from bridge.store.imports.imports import PollCommit
from tests.support.samples import only
from tests.support.world import World

pytestmark = pytest.mark.anyio


async def sweep_and_work(world: World, *, seconds: int) -> None:
    """Let time pass, and run what cron would start meanwhile."""
    for _ in range(seconds // 5):
        await world.sweep()
        await world.poll()
        await world.deliver()
        world.pass_time(5 * SECOND)


async def test_polling_continues_within_a_minute(world: World) -> None:
    await world.sandbox.set_import("imp", ("UPLOADING", 0))
    watch = await world.watch()
    await world.poll()
    assert (await world.reload(watch))["polls"] == 1

    world.pass_time(-HOUR)
    await world.sandbox.set_import("imp", ("COMPLETED", 0))
    await sweep_and_work(world, seconds=30)

    assert (await world.reload(watch))["outcome"] == "completed"


async def test_an_exhausted_window_ends_as_long_from_now_as_before(world: World) -> None:
    now = await world.resources.store.now()
    await world.watch()
    used_up = Budget(limit=10, available=0, spent=8, ends_at=now + 20 * SECOND, window=MINUTE, paced_until=now + SECOND)
    assert await world.resources.budgets.write("default", used_up)

    world.pass_time(-HOUR)
    snapshot = await world.resources.budgets.read("default")

    assert snapshot.now < snapshot.budget.ends_at <= snapshot.now + 20 * SECOND
    assert snapshot.budget.paced_until <= snapshot.now + SECOND
    world.pass_time(10 * SECOND)
    later = await world.resources.budgets.read("default")
    assert later.budget.ends_at == snapshot.budget.ends_at, "it does not move on with the clock"


async def test_a_pause_requested_by_rally_keeps_its_length(world: World) -> None:
    await world.sandbox.faults(status=429, times=1, headers={"Retry-After": "600"})
    watch = await world.watch()
    await world.poll()

    world.pass_time(-30 * MINUTE)
    await sweep_and_work(world, seconds=30)
    assert (await world.reload(watch))["polls"] == 0
    world.pass_time(570 * SECOND)
    await sweep_and_work(world, seconds=10)
    assert (await world.reload(watch))["polls"] == 1


async def test_a_probe_of_a_worker_that_died_delays_no_other_worker(world: World) -> None:
    await world.watch()
    snapshot = await world.resources.budgets.read("default")
    probe = Grant(count=1, again_at=0, probe=True)
    lease = world.resources.settings.poll_lease
    assert await world.resources.imports.claim("default", snapshot.budget, probe, room=1, lease=lease, now=snapshot.now)

    world.pass_time(-HOUR)
    await world.sweep()

    snapshot = await world.resources.budgets.read("default")
    assert snapshot.budget.probing_until <= snapshot.now + lease
    assert snapshot.in_flight == 1
    assert (snapshot.next_due or 0) <= snapshot.now + lease
    world.pass_time(lease)
    assert (await world.resources.budgets.read("default")).in_flight == 0


async def test_a_watch_whose_import_is_final_is_settled(world: World) -> None:
    watch = await world.watch()
    snapshot = await world.resources.budgets.read("default")
    grant = Grant(count=1, again_at=0)
    claims = await world.resources.imports.claim(
        "default", snapshot.budget, grant, room=1, lease=SECOND, now=snapshot.now
    )
    final = Reading(import_id="imp", type="CSV", status="COMPLETED", person_count=7)
    commit = PollCommit(claim=only(claims or []), update=ImportUpdate(due=None, reading=final), at=snapshot.now)
    await world.resources.imports.commit("default", [commit], settle_by=snapshot.now + 10 * SECOND)

    world.pass_time(-HOUR)
    await world.sweep()

    assert (await world.reload(watch))["outcome"] == "completed"


async def test_a_delivery_is_attempted_again_after_its_scheduled_pause(world: World) -> None:
    await world.sandbox.set_import("imp", ("COMPLETED", 0))
    await world.sandbox.set_answers("crm", {"status": 503})
    watch = await world.watch(notify=[{"type": "callback", "url": world.sandbox.callback_url()}])
    await world.sweep()
    await world.poll()
    await world.deliver()
    assert only((await world.reload(watch))["deliveries"])["attempts"] == 1

    world.pass_time(-HOUR)
    await sweep_and_work(world, seconds=10)

    assert only((await world.reload(watch))["deliveries"])["attempts"] == 2


async def test_a_pause_of_a_channel_keeps_its_length(world: World) -> None:
    await world.sandbox.set_import("imp", ("COMPLETED", 0))
    await world.sandbox.set_answers("slack", {"status": 429, "headers": {"Retry-After": "120"}})
    watch = await world.watch(notify=[{"type": "slack_webhook", "url": world.sandbox.slack_url()}])
    await world.sweep()
    await world.poll()
    await world.deliver()

    world.pass_time(-HOUR)
    await sweep_and_work(world, seconds=100)
    assert only((await world.reload(watch))["deliveries"])["attempts"] == 1
    await sweep_and_work(world, seconds=30)
    assert only((await world.reload(watch))["deliveries"])["state"] == "delivered"


async def test_a_channel_without_deliveries_is_free_at_once(world: World) -> None:
    lane = "slack:C0123ABCD"
    assert await world.resources.lanes.reserve(lane) == 0
    assert await world.resources.lanes.reserve(lane) > 0

    world.pass_time(-HOUR)

    assert await world.resources.lanes.reserve(lane) == 0


async def test_a_reading_is_not_reused_longer_than_before(world: World) -> None:
    await world.sandbox.set_import("imp", ("COMPLETED", 0))
    await world.watch()
    await world.poll()

    world.pass_time(-HOUR)

    assert (await world.watch())["polls"] == 0


async def test_a_watch_keeps_its_time_until_expiry(world: World) -> None:
    await world.sandbox.set_import("imp", ("UPLOADING", 0))
    watch = await world.watch(expiresIn=60)
    await sweep_and_work(world, seconds=5)

    world.pass_time(-HOUR)
    await sweep_and_work(world, seconds=50)
    assert (await world.reload(watch))["state"] == "watching"
    await sweep_and_work(world, seconds=50)
    assert (await world.reload(watch))["outcome"] == "timed_out"


def test_absences_are_counted_from_zero() -> None:
    before = next_streak(None, Absence.NOT_FOUND, 2 * HOUR, trusted_since=0)
    after = next_streak(before, Absence.NOT_FOUND, HOUR, trusted_since=0)

    assert (after.since, after.at, after.count) == (HOUR, HOUR, 1)


def test_each_moment_of_a_budget_moves_back_with_the_clock() -> None:
    others = {"version", "limit", "available", "spent", "spent_by_rules", "window", "faults"}
    others |= {"failing_imports", "vanished_imports"}
    assert {field.name for field in fields(Budget)} == {*MOMENTS, *others}

    known = Budget(limit=10, ends_at=5_000, not_before=900, failing_since=7_000)
    assert set_back(known, 1_000) == Budget(limit=10, ends_at=4_000, not_before=0, failing_since=6_000)
