"""Watches: stored in encrypted form, and deleted completely."""

from dataclasses import replace

import pytest

from bridge.domain.delivery.attempts import Attempt
from bridge.domain.delivery.deliveries import DeliveryState
from bridge.domain.polling.poll_results import ImportUpdate
from bridge.domain.times import DAY, HOUR, MINUTE, SECOND
from bridge.store import keys
from bridge.store.watches.acceptance_call import Acceptance
from tests.support.samples import only
from tests.support.store_parts import DONE, LEASE, StoreParts, a_delivery

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
    await parts.attempts.commit(parts.deliveries.decrypt(only(claims)), only(claims).fence, attempt)

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


async def test_an_ended_watch_is_deleted_completely(parts: StoreParts) -> None:
    watch, _ = await parts.accept()
    await parts.commit(only(await parts.claim()), ImportUpdate(due=None, reading=DONE))
    await parts.settle(watch, a_delivery(watch))
    _, _, claims = await parts.deliveries.claim(room=5, lease=LEASE)
    done = replace(
        parts.deliveries.decrypt(only(claims)), state=DeliveryState.DELIVERED, attempts=1, ended_at=9, due=None
    )
    attempt = Attempt(number=1, at=1, took=5, status=204, reason=None, answer="")
    await parts.attempts.commit(done, only(claims).fence, attempt)

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
