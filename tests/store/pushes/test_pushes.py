"""Pushes: each message has its effects once, in one step; the rules see what is queued for them."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from bridge.domain.polling.poll_results import ImportUpdate
from bridge.domain.rules.pushes import API_FINISHED, CSV_FINISHED, OTHER_EVENT, Push, PushResult, QueuedPush
from bridge.domain.times import DAY, HOUR, MINUTE, SECOND, Moment
from bridge.store import keys
from bridge.store.pushes.pushes import PushCounts, RecordedPush
from tests.support.samples import only
from tests.support.store_parts import LEASE, StoreParts

pytestmark = pytest.mark.anyio

PUSH = Push(
    message_id="msg_1",
    event=CSV_FINISHED,
    workspace="default",
    import_id="imp",
    status="COMPLETED",
    failed_record_count=2,
    updated_at=1_764_000_000_000,
)
FOR_RULES: dict[str, Any] = {"for_rules": True, "first_kept": 60 * DAY}
NO_RULES: dict[str, Any] = {"for_rules": False, "first_kept": 60 * DAY}


async def next_poll(parts: StoreParts) -> Moment | None:
    record = await parts.imports.get("default", "imp")
    return None if record is None else record.next_due


async def polled_later(parts: StoreParts, **changes: Any) -> Moment:
    """Poll the import once, and return the time of its next poll, an hour from now."""
    await parts.accept()
    claim = only(await parts.claim())
    later = await parts.store.now() + HOUR
    assert await parts.commit(claim, ImportUpdate(due=later, faults=1, **changes))
    return later


async def test_a_push_makes_the_next_poll_of_its_import_due_now(parts: StoreParts) -> None:
    later = await polled_later(parts)

    assert await parts.pushes.record(PUSH, **NO_RULES) == RecordedPush(PushResult.WATCHED, queued=False)

    due = await next_poll(parts)
    assert due is not None
    assert due < later - 59 * MINUTE
    assert [claim.import_id for claim in await parts.claim()] == ["imp"]
    assert await parts.store.call("HGET", keys.import_("default", "imp"), "pushed_at") == str(due)


async def test_the_same_message_again_changes_nothing(parts: StoreParts) -> None:
    await parts.pushes.record(PUSH, **FOR_RULES)
    later = await polled_later(parts)

    again = await parts.pushes.record(PUSH, **FOR_RULES)

    assert again == RecordedPush(PushResult.DUPLICATE, queued=False)
    assert await next_poll(parts) == later
    assert len(await parts.pushes.claim(9, LEASE)) == 1


async def test_messages_of_other_workspaces_may_have_the_same_id(parts: StoreParts) -> None:
    await parts.pushes.record(PUSH, **NO_RULES)

    elsewhere = await parts.pushes.record(replace(PUSH, workspace="eu"), **NO_RULES)

    assert elsewhere.result is PushResult.UNWATCHED


async def test_a_message_is_remembered_for_48_hours(parts: StoreParts) -> None:
    await parts.pushes.record(PUSH, **NO_RULES)

    left = await parts.store.call("PTTL", keys.push_seen("default", "msg_1"))

    assert 48 * HOUR - MINUTE < left <= 48 * HOUR


async def test_a_push_waits_for_the_end_of_a_retry_after(parts: StoreParts) -> None:
    retry_at = await parts.store.now() + 30 * MINUTE
    await polled_later(parts, retry_at=retry_at)

    await parts.pushes.record(PUSH, **NO_RULES)

    assert await next_poll(parts) == retry_at


async def test_a_push_during_a_poll_leaves_the_lease_alone_and_marks_the_import(parts: StoreParts) -> None:
    await parts.accept()
    await parts.claim()
    lease_end = await next_poll(parts)

    await parts.pushes.record(PUSH, **NO_RULES)

    assert await next_poll(parts) == lease_end
    assert await parts.store.call("HGET", keys.import_("default", "imp"), "pushed_at")


async def test_a_push_for_an_import_that_nobody_watches_leaves_no_import(parts: StoreParts) -> None:
    assert (await parts.pushes.record(PUSH, **NO_RULES)).result is PushResult.UNWATCHED

    first = keys.push_first("default", "imp")
    assert await parts.keys() == {keys.push_seen("default", "msg_1"), keys.push_counts("default"), first}
    assert await parts.pushes.claim(9, LEASE) == []


async def test_a_push_moves_no_final_import_back(parts: StoreParts) -> None:
    await parts.accept()
    await parts.commit(only(await parts.claim()), ImportUpdate(due=None))
    before = await parts.store.call("HGETALL", keys.import_("default", "imp"))

    assert (await parts.pushes.record(PUSH, **NO_RULES)).result is PushResult.UNWATCHED

    assert await parts.store.call("HGETALL", keys.import_("default", "imp")) == before
    assert await parts.claim() == []


@pytest.mark.parametrize(
    "push", [PUSH, replace(PUSH, status=None, failed_record_count=None, updated_at=None, message_id="a:b c")]
)
async def test_the_rules_get_what_the_push_said(parts: StoreParts, push: Push) -> None:
    assert await parts.pushes.record(push, **FOR_RULES) == RecordedPush(PushResult.FOR_RULES, queued=True)

    queued = only(await parts.pushes.claim(9, LEASE))

    assert queued == QueuedPush(push=push, at=queued.at, first_at=queued.at)


async def test_a_watched_import_is_queued_for_the_rules_as_well(parts: StoreParts) -> None:
    await polled_later(parts)

    assert await parts.pushes.record(PUSH, **FOR_RULES) == RecordedPush(PushResult.WATCHED, queued=True)


async def test_each_push_about_an_import_names_the_time_of_the_first(parts: StoreParts) -> None:
    await parts.pushes.record(PUSH, **FOR_RULES)
    first = only(await parts.pushes.claim(9, LEASE))
    parts.store.offset += 20 * DAY
    await parts.pushes.record(replace(PUSH, message_id="msg_2"), **FOR_RULES)

    later = {queued.push.message_id: queued for queued in await parts.pushes.claim(9, LEASE)}["msg_2"]

    assert (later.first_at, later.at) == (first.at, first.at + 20 * DAY + (later.at - first.at) % DAY)
    assert await parts.store.call("PTTL", keys.push_first("default", "imp")) > 59 * DAY


async def test_a_claimed_push_is_claimed_again_after_its_lease_until_it_is_done(parts: StoreParts) -> None:
    await parts.pushes.record(PUSH, **FOR_RULES)
    queued = only(await parts.pushes.claim(9, LEASE))
    assert await parts.pushes.claim(9, LEASE) == []

    parts.store.offset += LEASE
    assert await parts.pushes.claim(9, LEASE) == [queued]
    await parts.pushes.done(queued.push)
    parts.store.offset += LEASE

    assert await parts.pushes.claim(9, LEASE) == []
    assert not await parts.store.call("EXISTS", keys.push_queued("default", "msg_1"))


async def test_a_queued_push_is_claimed_although_the_clock_was_set_back(parts: StoreParts) -> None:
    parts.store.offset += DAY
    await parts.pushes.record(PUSH, **FOR_RULES)
    parts.store.offset -= DAY

    assert only(await parts.pushes.claim(9, LEASE)).push == PUSH


async def test_a_push_whose_record_was_evicted_leaves_the_queue(parts: StoreParts) -> None:
    await parts.pushes.record(PUSH, **FOR_RULES)
    await parts.store.call("DEL", keys.push_queued("default", "msg_1"))

    assert await parts.pushes.claim(9, LEASE) == []
    assert await parts.store.call("ZCARD", keys.PUSHES_DUE) == 0


async def test_pushes_that_arrive_together_are_each_recorded_once(parts: StoreParts) -> None:
    messages = [replace(PUSH, message_id=f"msg_{number % 50}") for number in range(200)]

    results = await asyncio.gather(*(parts.pushes.record(each, **FOR_RULES) for each in messages))

    assert [result.result for result in results].count(PushResult.FOR_RULES) == 50
    assert len(await parts.pushes.claim(99, LEASE)) == 50


async def test_messages_without_effect_are_counted_by_event_and_result(parts: StoreParts) -> None:
    await parts.pushes.record(PUSH, **NO_RULES)
    await parts.pushes.record(PUSH, **NO_RULES)
    await parts.pushes.record(replace(PUSH, event=API_FINISHED, message_id="msg_2"), **FOR_RULES)
    parts.store.offset += HOUR
    await parts.pushes.count("default", "msg_3", OTHER_EVENT, PushResult.OTHER_EVENT)
    now = await parts.store.now()

    counts = await parts.pushes.counts("default")

    assert counts.by_result == {
        (CSV_FINISHED, PushResult.UNWATCHED): 1,
        (CSV_FINISHED, PushResult.DUPLICATE): 1,
        (API_FINISHED, PushResult.FOR_RULES): 1,
        (OTHER_EVENT, PushResult.OTHER_EVENT): 1,
    }
    assert counts.last.keys() == {CSV_FINISHED, API_FINISHED, OTHER_EVENT}
    assert now - 10 * SECOND < counts.last[OTHER_EVENT] <= now
    assert now - HOUR - 10 * SECOND < counts.last[API_FINISHED] <= now - HOUR + SECOND
    assert await parts.pushes.counts("eu") == PushCounts()


async def awaited(parts: StoreParts, *, ended_before: int, type_: str = "CSV") -> None:
    """Note that the import ended some time ago, without a push."""
    now = await parts.store.now()
    await parts.store.call("ZADD", keys.pushes_awaited("default"), now - ended_before + 2 * MINUTE, "imp")
    await parts.store.call("HSET", keys.push_types_awaited("default"), "imp", type_)


async def test_a_push_within_a_minute_of_the_end_is_a_match(parts: StoreParts) -> None:
    await awaited(parts, ended_before=50 * SECOND)

    await parts.pushes.record(PUSH, **NO_RULES)

    proof = await parts.store.call("HGETALL", keys.push_proof("default"))
    assert {name: proof[name] for name in ("streak:CSV", "matches:CSV", "unpushed:CSV")} == {
        "streak:CSV": "1",
        "matches:CSV": "1",
        "unpushed:CSV": "0",
    }
    assert abs(int(proof["last_match:CSV"]) - await parts.store.now()) < 10 * SECOND
    assert not await parts.store.call("EXISTS", keys.pushes_awaited("default"), keys.push_types_awaited("default"))


async def test_a_push_between_one_and_two_minutes_after_the_end_is_neither_match_nor_miss(parts: StoreParts) -> None:
    await awaited(parts, ended_before=61 * SECOND)

    await parts.pushes.record(PUSH, **NO_RULES)

    assert not await parts.store.call(
        "EXISTS", keys.push_proof("default"), keys.pushes_awaited("default"), keys.push_types_awaited("default")
    )


async def test_pushes_that_could_not_be_recorded_are_misses_of_every_type(parts: StoreParts) -> None:
    for type_ in ("CSV", "a:b"):
        for number in range(2):
            await awaited(parts, ended_before=SECOND, type_=type_)
            await parts.pushes.record(replace(PUSH, message_id=f"{type_} {number}"), **NO_RULES)

    await parts.pushes.record(PUSH, **NO_RULES, failed_before=3)

    proof = await parts.store.call("HGETALL", keys.push_proof("default"))
    found = {name: proof[name] for name in proof if name.startswith(("streak", "match", "miss"))}
    assert found == {
        "streak:CSV": "0",
        "matches:CSV": "2",
        "misses:CSV": "3",
        "streak:a:b": "0",
        "matches:a:b": "2",
        "misses:a:b": "3",
    }
