"""Accepting watches: each is stored once, and joins the polling of its import."""

import pytest

from bridge.domain.polling.poll_results import ImportUpdate
from bridge.domain.times import MINUTE
from bridge.store.watches.acceptance_call import Acceptance, AcceptedWatch, OverLimit
from tests.support.samples import only
from tests.support.store_parts import DONE, LEASE, StoreParts, new_watch

pytestmark = pytest.mark.anyio


async def test_the_second_watch_of_an_import_joins_its_polling(parts: StoreParts) -> None:
    await parts.accept("wat_1")
    _, acceptance = await parts.accept("wat_2")

    assert acceptance is Acceptance.JOINED
    assert len(await parts.claim()) == 1
    assert [id_ for id_, _ in await parts.watches.waiting("default", "imp")] == ["wat_1", "wat_2"]


async def test_accepting_the_same_watch_twice_changes_nothing(parts: StoreParts) -> None:
    await parts.accept("wat_1")
    _, acceptance = await parts.accept("wat_1", label="other")

    watch = await parts.watches.get("wat_1")
    assert acceptance is Acceptance.KNOWN
    assert watch is not None
    assert watch.label == "Q4"


async def test_a_final_reading_answers_watches_that_come_soon_after(parts: StoreParts) -> None:
    watch, _ = await parts.accept("wat_1")
    await parts.commit(only(await parts.claim()), ImportUpdate(due=None, reading=DONE))
    await parts.settle(watch)

    _, acceptance = await parts.accept("wat_2")

    assert acceptance is Acceptance.FINAL
    assert await parts.claim() == []
    assert await parts.imports.claim_settling(9, LEASE) == [("default", "imp")]

    parts.store.offset += 5 * MINUTE
    _, later = await parts.accept("wat_3")
    assert later is Acceptance.NEW
    assert len(await parts.claim()) == 1


async def accept_counted(parts: StoreParts, watch_id: str, *, client: str = "crm") -> AcceptedWatch | OverLimit | None:
    """Accept a watch of a client that may make two calls a minute."""
    new = new_watch(id=watch_id, client=client)
    return await parts.watches.accept(new, grace=10 * MINUTE, reuse=5 * MINUTE, limit=2)


async def begin_minute(parts: StoreParts) -> None:
    parts.store.offset += MINUTE - await parts.store.now() % MINUTE


async def test_a_watch_above_the_limit_of_calls_is_not_stored(parts: StoreParts) -> None:
    await begin_minute(parts)
    assert isinstance(await accept_counted(parts, "wat_1"), AcceptedWatch)
    assert isinstance(await accept_counted(parts, "wat_2"), AcceptedWatch)
    before = await parts.keys()

    refused = await accept_counted(parts, "wat_3")

    assert isinstance(refused, OverLimit)
    assert 0 < refused.wait <= MINUTE
    assert await parts.keys() == before
    assert isinstance(await accept_counted(parts, "wat_4", client="billing"), AcceptedWatch)
    parts.store.offset += refused.wait
    assert isinstance(await accept_counted(parts, "wat_3"), AcceptedWatch)


async def test_a_call_that_is_repeated_after_a_lost_reply_is_counted_once(parts: StoreParts) -> None:
    await begin_minute(parts)
    for _ in range(3):
        assert isinstance(await accept_counted(parts, "wat_1"), AcceptedWatch)

    assert isinstance(await accept_counted(parts, "wat_2"), AcceptedWatch)
    assert isinstance(await accept_counted(parts, "wat_3"), OverLimit)


async def test_a_call_without_a_limit_is_not_counted(parts: StoreParts) -> None:
    await parts.accept("wat_1")

    assert not any(key.startswith("rb:calls:") for key in await parts.keys())
