"""The proof of pushes: which ends of imports count for or against it, and what follows from that."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from bridge.domain.imports import Reading
from bridge.domain.polling.poll_results import ImportUpdate, PollClaim
from bridge.domain.rules.push_proof import PushProof, Stretch
from bridge.domain.rules.pushes import CSV_FINISHED, Push
from bridge.domain.times import DAY, MINUTE, SECOND
from bridge.store import keys
from tests.support.samples import READING, only
from tests.support.store_parts import LEASE, StoreParts

pytestmark = pytest.mark.anyio

OPEN = READING
FINAL = replace(READING, status="COMPLETED")
HOUR_LONG = 60 * MINUTE
TWICE = Stretch(factor=2, streak=3)


async def push(parts: StoreParts, import_id: str = "imp", *, failed_before: int = 0) -> None:
    number = await parts.store.call("INCR", "messages")
    message = Push(
        message_id=f"msg_{number}",
        event=CSV_FINISHED,
        workspace="default",
        import_id=import_id,
        status="COMPLETED",
        failed_record_count=0,
        updated_at=None,
    )
    await parts.pushes.record(message, for_rules=False, first_kept=MINUTE, failed_before=failed_before)


async def poll(parts: StoreParts, *readings: Reading, import_id: str = "imp") -> None:
    """Poll an import with these readings, one after another."""
    for reading in readings:
        await parts.imports.poll_now("default", import_id)
        claim = only([each for each in await parts.claim() if each.import_id == import_id])
        due = None if reading.finished else await parts.store.now() + HOUR_LONG
        assert await parts.commit(claim, ImportUpdate(due=due, reading=reading))


async def end(parts: StoreParts, import_id: str, *, pushed: bool, type_: str = "CSV") -> None:
    """Let an import end as the bridge sees it: read unfinished, perhaps pushed, read final."""
    await parts.accept(f"wat_{import_id}", import_id=import_id)
    await poll(parts, replace(OPEN, type=type_), import_id=import_id)
    if pushed:
        await push(parts, import_id)
    await poll(parts, replace(FINAL, type=type_), import_id=import_id)


async def proven(parts: StoreParts, ends: int = 3) -> None:
    for number in range(ends):
        await end(parts, f"earlier_{number}", pushed=True)


async def proof(parts: StoreParts, type_: str = "CSV") -> PushProof | None:
    return (await parts.push_proofs.get("default")).get(type_)


def numbers(found: PushProof | None) -> Sequence[int]:
    assert found is not None
    return (found.streak, found.matches, found.misses)


async def test_an_end_with_a_push_before_it_is_a_match(parts: StoreParts) -> None:
    await end(parts, "imp", pushed=True)

    assert numbers(await proof(parts)) == (1, 1, 0)


async def test_a_push_that_a_long_pause_of_polling_separates_from_its_poll_is_a_match(parts: StoreParts) -> None:
    await parts.accept()
    await poll(parts, OPEN)
    await push(parts)
    parts.store.offset += 10 * MINUTE

    await poll(parts, FINAL)

    assert numbers(await proof(parts)) == (1, 1, 0)


@pytest.mark.parametrize(("late", "matches"), [(59 * SECOND, 1), (61 * SECOND, 0)])
async def test_a_push_matches_an_end_that_another_poll_found_within_a_minute(
    parts: StoreParts, late: int, matches: int
) -> None:
    await parts.accept()
    await poll(parts, OPEN)
    await push(parts)
    await poll(parts, OPEN)
    parts.store.offset += late

    await poll(parts, FINAL)

    found = await proof(parts)
    assert (0 if found is None else found.matches) == matches
    assert not await parts.store.call("EXISTS", keys.pushes_awaited("default"))


async def test_an_end_at_the_first_reading_counts_neither_for_nor_against(parts: StoreParts) -> None:
    await parts.accept()
    await push(parts)
    await poll(parts, FINAL)
    parts.store.offset += 3 * MINUTE

    await parts.push_proofs.count_misses("default")

    assert await parts.push_proofs.get("default") == {}


async def test_an_end_without_a_push_for_two_minutes_is_a_miss(parts: StoreParts) -> None:
    await proven(parts)
    await end(parts, "imp", pushed=False)

    parts.store.offset += 119 * SECOND
    await parts.push_proofs.count_misses("default")
    assert numbers(await proof(parts)) == (3, 3, 0)

    parts.store.offset += SECOND
    await parts.push_proofs.count_misses("default")
    await parts.push_proofs.count_misses("default")
    assert numbers(await proof(parts)) == (0, 3, 1)
    assert not await parts.store.call("EXISTS", keys.pushes_awaited("default"), keys.push_types_awaited("default")), (
        "nothing of the end is left"
    )


async def test_a_push_long_before_the_end_does_not_match_it(parts: StoreParts) -> None:
    await parts.accept()
    await poll(parts, OPEN)
    await push(parts)
    await poll(parts, OPEN)
    parts.store.offset += 3 * MINUTE
    await poll(parts, FINAL)
    parts.store.offset += 2 * MINUTE

    await parts.push_proofs.count_misses("default")

    assert numbers(await proof(parts)) == (0, 0, 1)


async def test_types_are_counted_apart_and_at_most_twenty_of_them(parts: StoreParts) -> None:
    await end(parts, "imp", pushed=True, type_="ACTIVITIES")
    for number in range(22):
        await end(parts, f"imp{number}", pushed=True, type_=f"TYPE_{number}")
    await end(parts, "odd", pushed=True, type_="odd type: é")

    proofs = await parts.push_proofs.get("default")
    assert len(proofs) == 20
    assert {numbers(each) for each in proofs.values()} == {(1, 1, 0)}


async def first_poll(parts: StoreParts, import_id: str = "imp") -> PollClaim:
    """Watch an import and claim its first poll."""
    await parts.accept(f"wat_{import_id}", import_id=import_id)
    (claim,) = [each for each in await parts.claim() if each.import_id == import_id]
    return claim


async def commit_put_off(parts: StoreParts, claim: PollClaim) -> None:
    now = await parts.store.now()
    update = ImportUpdate(due=now + 2 * MINUTE, unstretched_due=now + MINUTE, stretch=TWICE, reading=OPEN)
    assert await parts.commit(claim, update)


async def wait_of(parts: StoreParts, import_id: str = "imp") -> int:
    """Return in how many minutes the next poll is due."""
    polled = await parts.imports.get("default", import_id)
    assert polled is not None
    assert polled.next_due is not None
    return round((polled.next_due - await parts.store.now()) / MINUTE)


async def test_a_miss_returns_imports_under_way_to_their_own_schedule_at_once(parts: StoreParts) -> None:
    await proven(parts)
    await commit_put_off(parts, await first_poll(parts))
    await commit_put_off(parts, await first_poll(parts, "other"))
    assert await wait_of(parts) == 2

    await push(parts, failed_before=1)
    assert (await wait_of(parts, "other")) == 1
    assert numbers(await proof(parts)) == (0, 3, 1)
    assert not await parts.store.call("KEYS", "rb:imports:stretched:*")


async def test_a_poll_in_progress_at_the_time_of_a_miss_is_not_put_off(parts: StoreParts) -> None:
    await proven(parts)
    claim = await first_poll(parts)
    await push(parts, "another", failed_before=1)

    await commit_put_off(parts, claim)

    assert await wait_of(parts) == 1


async def test_a_miss_during_a_poll_does_not_let_another_worker_poll_as_well(parts: StoreParts) -> None:
    await proven(parts)
    await commit_put_off(parts, await first_poll(parts))
    await parts.imports.poll_now("default", "imp")
    claim = only(await parts.claim())

    await push(parts, "another", failed_before=1)

    assert await parts.claim() == []
    await commit_put_off(parts, claim)
    assert await wait_of(parts) == 1


async def test_an_import_that_is_no_longer_watched_leaves_nothing_behind(parts: StoreParts) -> None:
    await proven(parts)
    watch, _ = await parts.accept()
    await commit_put_off(parts, only(await parts.claim()))

    await parts.settle(watch)

    assert not await parts.store.call("KEYS", "rb:imports:stretched:*")


async def test_a_push_during_a_poll_lets_another_poll_follow_it(parts: StoreParts) -> None:
    await proven(parts)
    claim = await first_poll(parts)

    await push(parts)
    await commit_put_off(parts, claim)

    again = only(await parts.claim())
    assert again.polls_since_push == 0
    assert again.pushed_at is not None
    await parts.commit(again, ImportUpdate(due=again.due, reading=OPEN))
    assert only(await parts.claim()).polls_since_push == 1


async def test_a_push_after_the_lease_of_a_dead_worker_is_not_lost(parts: StoreParts) -> None:
    await parts.accept()
    await parts.claim()
    await push(parts)
    parts.store.offset += LEASE

    assert only(await parts.claim()).pushed_at is not None


async def test_nothing_waits_for_the_old_time_after_the_clock_was_set_back(parts: StoreParts) -> None:
    await proven(parts)
    await end(parts, "imp", pushed=False)
    parts.store.offset -= DAY

    await parts.push_proofs.count_misses("default")
    found = await proof(parts)
    assert found is not None
    assert found.last_match is not None
    assert found.last_match <= await parts.store.now()

    parts.store.offset += 2 * MINUTE + SECOND
    await parts.push_proofs.count_misses("default")
    assert numbers(await proof(parts)) == (0, 3, 1)


async def test_thousands_of_polls_are_brought_back_in_a_few_steps(parts: StoreParts) -> None:
    await proven(parts)
    due, stretched = keys.imports_due("default"), keys.imports_stretched_prefix("default") + "CSV"
    now = await parts.store.now()
    for first in range(0, 2500, 500):
        ids = [f"imp_{number}" for number in range(first, first + 500)]
        await parts.store.call("ZADD", due, *(part for id_ in ids for part in (now + HOUR_LONG, id_)))
        await parts.store.call("ZADD", stretched, *(part for id_ in ids for part in (now + MINUTE, id_)))

    await push(parts, "another", failed_before=1)
    assert await parts.store.call("ZCOUNT", due, "-inf", now + MINUTE) == 1000, "one step does not take long"
    await parts.push_proofs.count_misses("default")

    assert await parts.store.call("ZCOUNT", due, "-inf", now + MINUTE) == 2500
    assert not await parts.store.call("EXISTS", stretched)
