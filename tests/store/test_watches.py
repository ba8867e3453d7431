"""Watches: stored in encrypted form, ended once, and deleted completely."""

from dataclasses import replace

import pytest

from bridge.domain.attempts import Attempt
from bridge.domain.deliveries import DeliveryState
from bridge.domain.outcomes import Outcome
from bridge.domain.polls import ImportUpdate
from bridge.domain.times import DAY, HOUR, MINUTE, SECOND
from bridge.domain.watches import WatchState
from bridge.store import keys
from bridge.store.acceptance import Acceptance
from tests.support.samples import only
from tests.support.store_parts import CALLBACK, DONE, LEASE, StoreParts, a_delivery

pytestmark = pytest.mark.anyio


async def test_a_watch_is_loaded_as_it_was_stored(parts: StoreParts) -> None:
    accepted, acceptance = await parts.accept()

    assert acceptance is Acceptance.NEW
    assert await parts.watches.get("wat_1") == accepted
    assert accepted.expires_at == accepted.created_at + HOUR
    assert accepted.grace_until == accepted.created_at + 10 * MINUTE


async def test_nothing_private_is_in_the_clear(parts: StoreParts) -> None:
    watch, _ = await parts.accept()
    await parts.commit(only(await parts.claim()), ImportUpdate(due=None, reading=DONE))
    await parts.settle(watch, a_delivery(watch))
    _, _, claims = await parts.deliveries.claim(room=1, lease=LEASE)
    attempt = Attempt(number=1, at=1, took=1, status=500, reason="HTTP 500", answer="jane@example.com")
    await parts.deliveries.commit(parts.deliveries.decrypt(only(claims)), only(claims).fence, attempt)

    everything = ""
    for key in await parts.keys():
        kind = await parts.store.call("TYPE", key)
        if kind == "hash":
            everything += str(await parts.store.call("HGETALL", key))
        elif kind == "list":
            everything += str(await parts.store.call("LRANGE", key, 0, -1))

    assert "wat_1" in everything
    for private in ("hush", "jane", "crm.example.com", "hooks.slack.com", "RES-12", "import.failed"):
        assert private not in everything


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


async def test_an_ended_watch_is_deleted_completely(parts: StoreParts) -> None:
    watch, _ = await parts.accept()
    await parts.commit(only(await parts.claim()), ImportUpdate(due=None, reading=DONE))
    await parts.settle(watch, a_delivery(watch))
    _, _, claims = await parts.deliveries.claim(room=5, lease=LEASE)
    done = replace(
        parts.deliveries.decrypt(only(claims)), state=DeliveryState.DELIVERED, attempts=1, ended_at=9, due=None
    )
    attempt = Attempt(number=1, at=1, took=5, status=204, reason=None, answer="")
    await parts.deliveries.commit(done, only(claims).fence, attempt)

    parts.store.offset += DAY
    assert await parts.watches.ended_before(await parts.store.now() - DAY - SECOND, 9) == []
    assert await parts.watches.ended_before(await parts.store.now() - DAY, 9) == ["wat_1"]
    where = await parts.watches.index_entry("wat_1")
    assert where is not None
    await parts.watches.delete("wat_1", where)
    assert await parts.imports.delete_final(reuse=5 * MINUTE, count=9) == 1

    standing = "rb:lane:callback:x:last"  # expires by itself, a day after the last good answer
    assert await parts.keys() <= {keys.FENCE, keys.budget("default"), keys.imports_leased("default"), standing}


async def test_a_watch_with_a_pending_delivery_is_not_in_its_retention(parts: StoreParts) -> None:
    watch, _ = await parts.accept()
    await parts.settle(watch, a_delivery(watch))

    parts.store.offset += 365 * DAY
    assert await parts.watches.ended_before(await parts.store.now(), 9) == []


async def test_an_expired_watch_is_claimed_once_per_lease(parts: StoreParts) -> None:
    await parts.accept()
    assert await parts.watches.claim_expiring(9, 2 * SECOND) == []

    parts.store.offset += HOUR
    assert await parts.watches.claim_expiring(9, 2 * SECOND) == ["wat_1"]
    assert await parts.watches.claim_expiring(9, 2 * SECOND) == []


async def test_cancelling_the_last_watch_ends_the_polling(parts: StoreParts) -> None:
    await parts.accept("wat_1")
    await parts.accept("wat_2")
    where = await parts.watches.index_entry("wat_1")
    assert where is not None
    now = await parts.store.now()

    assert await parts.watches.cancel("wat_1", where, None, now)
    assert not await parts.watches.cancel("wat_1", where, None, now)
    assert (await parts.budgets.read("default")).next_due is not None
    assert await parts.watches.cancel("wat_2", where, None, now)

    assert (await parts.budgets.read("default")).next_due is None
    cancelled = await parts.watches.get("wat_1")
    assert cancelled is not None
    assert (cancelled.state, cancelled.outcome, cancelled.settled_at) == (WatchState.CANCELLED, None, now)
    assert await parts.watches.ended_before(now, 9) == ["wat_1", "wat_2"]
    assert not await parts.settle(cancelled)
