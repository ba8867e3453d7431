"""Accepting watches: each is stored once, and joins the polling of its import."""

import pytest

from bridge.domain.polls import ImportUpdate
from bridge.domain.times import MINUTE
from bridge.store.acceptance import Acceptance
from tests.support.samples import only
from tests.support.store_parts import DONE, LEASE, StoreParts

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
