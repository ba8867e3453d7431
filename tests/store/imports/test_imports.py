"""Imports: claimed within the budget, committed only under the fence, and settled when final."""

from dataclasses import replace

import pytest

from bridge.domain.polling.budget import Budget, Grant
from bridge.domain.polling.poll_results import ImportUpdate
from bridge.domain.times import HOUR, MINUTE, SECOND
from tests.support.samples import only
from tests.support.store_parts import DONE, LEASE, StoreParts

pytestmark = pytest.mark.anyio


async def test_a_claimed_import_is_not_claimed_again_until_its_lease_ends(parts: StoreParts) -> None:
    await parts.accept()
    first = only(await parts.claim())

    assert await parts.claim() == []

    parts.store.offset += LEASE
    second = only(await parts.claim())
    assert second.fence > first.fence


async def test_a_commit_under_an_old_fence_changes_nothing(parts: StoreParts) -> None:
    await parts.accept()
    late = only(await parts.claim())
    parts.store.offset += LEASE
    ours = only(await parts.claim())

    assert not await parts.commit(late, ImportUpdate(due=None, reading=DONE))
    assert await parts.commit(ours, ImportUpdate(due=ours.due + MINUTE, faults=1))

    polled = await parts.imports.get("default", "imp")
    assert polled is not None
    assert (polled.polls, polled.state.reading, polled.next_due) == (1, None, ours.due + MINUTE)


async def test_a_claim_made_against_an_old_budget_is_refused(parts: StoreParts) -> None:
    await parts.accept()
    snapshot = await parts.budgets.read("default")
    assert await parts.budgets.write("default", replace(snapshot.budget, limit=5))

    grant = Grant(count=1, again_at=0)
    claims = await parts.imports.claim("default", snapshot.budget, grant, room=1, lease=LEASE, now=snapshot.now)

    assert claims is None
    assert not await parts.budgets.write("default", replace(snapshot.budget, limit=6))
    assert (await parts.budgets.read("default")).budget == Budget(version=1, limit=5)


async def test_a_claim_spends_the_budget_in_the_same_step(parts: StoreParts) -> None:
    for number in range(3):
        await parts.accept(f"wat_{number}", import_id=f"imp_{number}")
    await parts.budgets.write("default", Budget(limit=10, available=9, spent=1, ends_at=10**13))
    snapshot = await parts.budgets.read("default")

    grant = Grant(count=2, again_at=0, paced_from=1_000, step=50)
    claims = await parts.imports.claim("default", snapshot.budget, grant, room=9, lease=LEASE, now=snapshot.now)

    after = await parts.budgets.read("default")
    assert claims is not None
    assert len(claims) == 2
    assert (after.budget.available, after.budget.spent, after.budget.paced_until) == (7, 3, 1_100)
    assert after.in_flight == 2


async def test_a_poll_that_ends_after_its_last_watch_leaves_nothing_behind(parts: StoreParts) -> None:
    watch, _ = await parts.accept()
    claim = only(await parts.claim())
    await parts.settle(watch)

    assert not await parts.commit(claim, ImportUpdate(due=claim.due + SECOND, reading=DONE))

    assert await parts.imports.get("default", "imp") is None
    assert (await parts.budgets.read("default")).in_flight == 0


async def test_interrupted_settling_is_claimed_when_it_is_due(parts: StoreParts) -> None:
    await parts.accept()
    await parts.commit(only(await parts.claim()), ImportUpdate(due=None, reading=DONE))

    assert await parts.imports.claim_settling(9, LEASE) == []
    parts.store.offset += 10 * SECOND
    assert await parts.imports.claim_settling(9, LEASE) == [("default", "imp")]
    assert await parts.imports.claim_settling(9, LEASE) == []


async def test_poll_now_makes_an_import_due(parts: StoreParts) -> None:
    await parts.accept()
    await parts.commit(only(await parts.claim()), ImportUpdate(due=await parts.store.now() + HOUR))
    assert await parts.claim() == []

    await parts.imports.poll_now("default", "imp")

    assert len(await parts.claim()) == 1


async def test_poll_now_during_a_poll_lets_another_poll_follow_it(parts: StoreParts) -> None:
    await parts.accept()
    claim = only(await parts.claim())

    await parts.imports.poll_now("default", "imp")
    assert await parts.claim() == [], "the poll is still in progress"
    await parts.commit(claim, ImportUpdate(due=claim.due + HOUR))

    again = only(await parts.claim())
    await parts.commit(again, ImportUpdate(due=claim.due + HOUR))
    assert await parts.claim() == [], "one more poll is enough"


async def test_a_repeated_commit_does_not_put_off_the_poll_that_was_requested_meanwhile(parts: StoreParts) -> None:
    await parts.accept()
    claim = only(await parts.claim())
    later = ImportUpdate(due=claim.due + HOUR)
    await parts.commit(claim, later)
    await parts.imports.poll_now("default", "imp")

    await parts.commit(claim, later)  # the first reply was lost

    assert len(await parts.claim()) == 1


async def test_a_poll_that_follows_another_waits_for_a_retry_after(parts: StoreParts) -> None:
    await parts.accept()
    claim = only(await parts.claim())
    retry_at = await parts.store.now() + MINUTE

    await parts.imports.poll_now("default", "imp")
    await parts.commit(claim, ImportUpdate(due=retry_at + HOUR, faults=1, retry_at=retry_at))

    polled = await parts.imports.get("default", "imp")
    assert polled is not None
    assert polled.next_due == retry_at
