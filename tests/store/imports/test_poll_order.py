"""The order of polls: which imports are polled first when more are due than the budget allows."""

from collections.abc import Mapping
from dataclasses import replace

import pytest

from bridge.domain.polling.budget import Budget, Grant
from bridge.domain.polling.poll_results import ImportUpdate, PollClaim
from bridge.domain.times import MINUTE, SECOND, Moment, Span
from bridge.store.imports.imports import PollCommit
from bridge.store.operations.store_counts import read_counts
from tests.support.world import World

pytestmark = pytest.mark.anyio
LEASE: Span = 15 * SECOND


async def due_after(world: World, pauses: Mapping[str, Span], *, failing_imports: str = "-") -> Moment:
    """Schedule each import this long from now, as after a poll. Return now."""
    for import_id in pauses:
        await world.watch(import_id)
    claims = await claim(world, room=len(pauses))
    now = await world.resources.store.now()
    commits = [
        PollCommit(
            claim=each,
            update=ImportUpdate(
                due=now + pauses[each.import_id], faults=int(each.import_id.startswith(failing_imports))
            ),
            at=now,
        )
        for each in claims
    ]
    assert await world.resources.imports.commit("default", commits, settle_by=now) == [True] * len(pauses)
    return now


async def claim(world: World, room: int = 10) -> list[PollClaim]:
    snapshot = await world.resources.budgets.read("default")
    grant = Grant(count=room, again_at=0)
    claims = await world.resources.imports.claim(
        "default", snapshot.budget, grant, room=room, lease=LEASE, now=snapshot.now
    )
    assert claims is not None
    return claims


async def claimed(world: World) -> list[str]:
    return [each.import_id for each in await claim(world)]


async def next_poll(world: World, import_id: str) -> Moment | None:
    polled = await world.resources.imports.get("default", import_id)
    assert polled is not None
    return polled.next_due


async def test_an_import_is_due_at_its_time_with_any_number_of_others(world: World) -> None:
    now = await world.resources.store.now()
    known = Budget(limit=10, available=9, spent=1, ends_at=now + MINUTE, window=MINUTE)
    assert await world.resources.budgets.write("default", known)
    for number in range(6):
        await world.sandbox.set_import(f"imp{number}", ("UPLOADING", 0))
        await world.watch(f"imp{number}")
    for _ in range(6):  # one after another, as the pace of the window allows
        await world.poll()
        world.pass_time(9 * SECOND)

    now = await world.resources.store.now()
    due = [await next_poll(world, f"imp{number}") or 0 for number in range(6)]
    assert max(due) <= now + 10 * SECOND, "its own interval is at most 7 s"


async def test_the_latest_imports_relative_to_their_pause_are_polled_first(world: World) -> None:
    await due_after(world, {"quick": 3 * SECOND, "quicker": 2 * SECOND, "slow": 50 * SECOND})

    world.pass_time(54 * SECOND)
    assert await claimed(world) == ["quicker", "quick", "slow"]


async def test_an_import_with_long_pauses_does_not_starve(world: World) -> None:
    await due_after(world, {"slow": 50 * SECOND})
    world.pass_time(90 * SECOND)
    await world.watch("new")
    world.pass_time(5 * SECOND)

    assert await claimed(world) == ["slow", "new"], "45 s late weigh 11, as 50 s of pause weigh 4; 5 s late weigh 5"


async def test_an_import_to_poll_now_precedes_those_with_long_pauses(world: World) -> None:
    await due_after(world, {"slow": 50 * SECOND, "hastened": 55 * SECOND, "other": 40 * SECOND})
    world.pass_time(51 * SECOND)
    await world.resources.imports.poll_now("default", "hastened")
    world.pass_time(4 * SECOND)

    assert await claimed(world) == ["hastened", "other", "slow"]


async def test_nothing_is_claimed_before_it_is_due_whatever_its_tier(world: World) -> None:
    now = await due_after(world, {"slow": 50 * SECOND, "quick": 3 * SECOND})

    assert await claimed(world) == []
    assert (await world.resources.budgets.read("default")).next_due == now + 3 * SECOND
    world.pass_time(4 * SECOND)
    assert await claimed(world) == ["quick"]
    assert await next_poll(world, "slow") == now + 50 * SECOND


async def test_overdue_polls_are_counted_in_every_tier(world: World) -> None:
    await due_after(world, {"slow": 50 * SECOND, "quick": 3 * SECOND, "slower": 110 * SECOND})
    world.pass_time(2 * MINUTE)

    resources = world.resources
    figures = await read_counts(
        resources.store, resources.budgets, resources.pushes, resources.push_proofs, ["default"]
    )

    assert (figures.workspaces["default"].polled, figures.workspaces["default"].overdue) == (3, 2)


async def test_the_imports_of_a_tier_are_claimed_in_the_order_of_their_due_time(world: World) -> None:
    await due_after(world, {f"imp_{number}": 3 * SECOND + number for number in range(9)})
    world.pass_time(MINUTE)

    first = await claim(world, room=4)
    assert [claim.import_id for claim in first] == [f"imp_{number}" for number in range(4)]
    assert {claim.tier for claim in first} == {0}
    assert await claimed(world) == [f"imp_{number}" for number in range(4, 9)]


async def test_a_probe_is_found_behind_hundreds_of_failing_imports(world: World) -> None:
    ill = {f"ill{number}": 10 * SECOND for number in range(300)}
    await due_after(world, ill | {"sound": 11 * SECOND}, failing_imports="ill")
    snapshot = await world.resources.budgets.read("default")
    broken = replace(snapshot.budget, breaker_open_since=snapshot.now, failing_since=snapshot.now)
    assert await world.resources.budgets.write("default", broken)
    snapshot = await world.resources.budgets.read("default")
    probe = Grant(count=1, again_at=0, probe=True)
    claims = await world.resources.imports.claim(
        "default", snapshot.budget, probe, room=1, lease=LEASE, now=snapshot.now
    )

    assert claims is not None
    assert [each.import_id for each in claims] == ["sound"]
