"""Polls of imports that only rules watch: they never take more than their part of the budget."""

from dataclasses import replace

import pytest

from bridge.domain.clients import RULE_PREFIX
from bridge.domain.polling.budget import Budget, Grant
from bridge.domain.polling.poll_results import ImportUpdate, PollClaim
from bridge.domain.times import HOUR, MINUTE, SECOND
from bridge.store.operations.store_counts import read_counts
from tests.support.samples import READING, only
from tests.support.store_parts import LEASE, StoreParts

pytestmark = pytest.mark.anyio


async def by_rule(parts: StoreParts, import_id: str) -> None:
    await parts.accept(f"wat_rule_{import_id}", import_id=import_id, client=f"{RULE_PREFIX}ops")


async def claimed(parts: StoreParts, count: int, *, rules_left: int = 99) -> list[PollClaim]:
    snapshot = await parts.budgets.read("default")
    grant = Grant(count=count, again_at=0, rules_left=rules_left)
    claims = await parts.imports.claim(
        "default", snapshot.budget, grant, room=count, lease=LEASE, now=snapshot.now, push_expected=True
    )
    assert claims is not None
    return claims


async def test_of_many_due_imports_every_fourth_poll_is_for_rules(parts: StoreParts) -> None:
    for number in range(9):
        await by_rule(parts, f"rule_{number}")
    for number in range(9):
        await parts.accept(f"wat_{number}", import_id=f"imp_{number}")

    kinds = [claim.by_rule for _ in range(8) for claim in await claimed(parts, 1)]
    assert [kinds[:4].count(True), kinds[4:].count(True)] == [1, 1]

    budget = (await parts.budgets.read("default")).budget
    assert (budget.spent, budget.spent_by_rules) == (8, 2)


async def test_rules_use_polls_that_nobody_else_needs_up_to_their_part(parts: StoreParts) -> None:
    for number in range(9):
        await by_rule(parts, f"rule_{number}")
    await parts.accept(import_id="imp")

    claims = await claimed(parts, 8, rules_left=5)

    assert [claim.by_rule for claim in claims].count(True) == 5
    assert [claim.import_id for claim in claims if not claim.by_rule] == ["imp"]


async def test_without_a_part_left_imports_of_rules_wait_for_the_end_of_the_window(parts: StoreParts) -> None:
    now = await parts.store.now()
    spent = Budget(limit=8, available=4, spent=4, spent_by_rules=2, ends_at=now + MINUTE, window=MINUTE)
    await parts.budgets.write("default", spent)
    await by_rule(parts, "pushed")

    snapshot = await parts.budgets.read("default")
    used_up = Grant(count=2, again_at=0, ends_at=snapshot.budget.ends_at, rules_left=0, rules_again_at=now + MINUTE)
    assert (snapshot.next_due, snapshot.next_claim(used_up)) == (None, now + MINUTE)
    assert snapshot.next_claim(replace(used_up, rules_left=1)) == snapshot.next_due_by_rule
    assert await claimed(parts, 2, rules_left=0) == []

    await parts.accept(import_id="imp")
    assert only(await claimed(parts, 2, rules_left=0)).import_id == "imp"


async def test_an_import_that_somebody_asks_for_as_well_no_longer_waits_behind_rules(parts: StoreParts) -> None:
    await by_rule(parts, "imp")
    first = only(await claimed(parts, 1))
    await parts.commit(first, ImportUpdate(due=first.due + HOUR, reading=READING))

    await parts.accept(import_id="imp")

    again = only(await claimed(parts, 1, rules_left=0))
    assert not again.by_rule
    await parts.commit(again, ImportUpdate(due=again.due, reading=READING))
    assert not only(await claimed(parts, 1, rules_left=0)).by_rule


async def test_an_import_that_somebody_asks_for_during_its_poll_is_polled_again(parts: StoreParts) -> None:
    await by_rule(parts, "imp")
    first = only(await claimed(parts, 1))

    await parts.accept(import_id="imp")
    await parts.commit(first, ImportUpdate(due=first.due + HOUR, reading=READING))

    assert only(await claimed(parts, 1, rules_left=0)).by_rule is False


async def test_a_rule_that_joins_a_watched_import_changes_nothing(parts: StoreParts) -> None:
    await parts.accept(import_id="imp")

    await by_rule(parts, "imp")

    assert only(await claimed(parts, 1, rules_left=0)).by_rule is False


async def test_pauses_of_imports_of_rules_keep_their_place_and_are_counted(parts: StoreParts) -> None:
    await by_rule(parts, "imp")
    claim = only(await claimed(parts, 1))
    assert claim.tier == 0
    now = await parts.store.now()
    await parts.commit(claim, ImportUpdate(due=now + 50 * SECOND, reading=READING))

    polled = await parts.imports.get("default", "imp")
    assert polled is not None
    assert polled.next_due == now + 50 * SECOND
    parts.store.offset += 2 * MINUTE
    counts = await read_counts(parts.store, parts.budgets, parts.pushes, parts.push_proofs, ["default"])
    assert (counts.workspaces["default"].polled, counts.workspaces["default"].overdue) == (1, 1)
    assert only(await claimed(parts, 1)).tier == 4


async def test_polls_of_rules_are_brought_back_after_the_clock_was_set_back(parts: StoreParts) -> None:
    await by_rule(parts, "imp")
    await parts.imports.mark_pushed("default", "imp")
    claim = only(await claimed(parts, 1))
    await parts.commit(claim, ImportUpdate(due=claim.due + 50 * SECOND, reading=READING))

    parts.store.offset -= HOUR
    assert await parts.imports.move_back("default", LEASE) == 1

    again = only(await claimed(parts, 1))
    assert again.by_rule
    assert again.pushed_at == again.first_at <= await parts.store.now()
