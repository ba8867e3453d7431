"""Endings: a watch ends once, and the polling of its import with the last of its watches."""

from dataclasses import replace

import pytest

from bridge.domain.delivery.deliveries import DeliveryState
from bridge.domain.history.stored_history import StoredHistory
from bridge.domain.outcomes import Outcome
from bridge.domain.times import HOUR, SECOND
from bridge.domain.watches import WatchState
from tests.support.store_parts import CALLBACK, DONE, StoreParts, a_delivery

pytestmark = pytest.mark.anyio


async def test_a_watch_settles_once_and_creates_each_delivery_once(parts: StoreParts) -> None:
    watch, _ = await parts.accept()
    first, second = (a_delivery(watch, 0), replace(a_delivery(watch, 1), state=DeliveryState.SKIPPED, body=""))

    assert await parts.settle(watch, first, second)
    assert not await parts.settle(watch, replace(first, body="another"))

    settled = await parts.watches.get("wat_1")
    assert settled is not None
    assert (settled.state, settled.outcome, settled.reading) == (WatchState.SETTLED, Outcome.FAILED, DONE)
    deliveries = await parts.deliveries.many(settled.deliveries)
    assert [delivery.state.value for delivery in deliveries] == ["pending", "skipped"]
    assert deliveries[0].body == first.body
    assert deliveries[0].destination == CALLBACK


async def test_polling_ends_when_the_last_watch_has_settled(parts: StoreParts) -> None:
    first, _ = await parts.accept("wat_1")
    second, _ = await parts.accept("wat_2")

    await parts.settle(first)
    assert (await parts.budgets.read("default")).next_due is not None

    await parts.settle(second)
    assert (await parts.budgets.read("default")).next_due is None
    assert await parts.imports.get("default", "imp") is None


async def test_an_expired_watch_is_claimed_once_per_lease(parts: StoreParts) -> None:
    await parts.accept()
    assert await parts.endings.claim_expiring(9, 2 * SECOND) == []

    parts.store.offset += HOUR
    assert await parts.endings.claim_expiring(9, 2 * SECOND) == ["wat_1"]
    assert await parts.endings.claim_expiring(9, 2 * SECOND) == []


async def test_cancelling_the_last_watch_ends_the_polling(parts: StoreParts) -> None:
    await parts.accept("wat_1")
    await parts.accept("wat_2")
    where = await parts.watches.index_entry("wat_1")
    assert where is not None
    now = await parts.store.now()

    assert await parts.endings.cancel("wat_1", where, None, now, by="crm", history=StoredHistory())
    assert not await parts.endings.cancel("wat_1", where, None, now, by="crm", history=StoredHistory())
    assert (await parts.budgets.read("default")).next_due is not None
    assert await parts.endings.cancel("wat_2", where, None, now, by="crm", history=StoredHistory())

    assert (await parts.budgets.read("default")).next_due is None
    cancelled = await parts.watches.get("wat_1")
    assert cancelled is not None
    assert (cancelled.state, cancelled.outcome, cancelled.settled_at) == (WatchState.CANCELLED, None, now)
    assert await parts.watches.ended_before(now, 9) == ["wat_1", "wat_2"]
    assert not await parts.settle(cancelled)
