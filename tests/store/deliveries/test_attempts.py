"""Attempts: recorded only under the fence of a claim, and only the last fifty are kept."""

from dataclasses import replace

import pytest

from bridge.domain.delivery.attempts import Attempt
from bridge.domain.delivery.deliveries import DeliveryState
from bridge.domain.delivery.posted_messages import PostedMessage
from tests.support.samples import only
from tests.support.store_parts import LEASE, StoreParts, a_delivery

pytestmark = pytest.mark.anyio


async def test_a_delivery_is_recorded_only_under_its_fence(parts: StoreParts) -> None:
    watch, _ = await parts.accept()
    await parts.settle(watch, a_delivery(watch))
    _, _, claims = await parts.deliveries.claim(room=5, lease=LEASE)
    late = only(claims)
    parts.store.offset += LEASE
    _, _, claims = await parts.deliveries.claim(room=5, lease=LEASE)
    ours = only(claims)

    attempt = Attempt(number=1, at=1, took=5, status=204, reason=None, answer="")
    done = replace(parts.deliveries.decrypt(ours), state=DeliveryState.DELIVERED, attempts=1, ended_at=9, due=None)
    assert not await parts.attempts.commit(replace(done, state=DeliveryState.ABANDONED), late.fence, attempt)
    assert await parts.attempts.commit(done, ours.fence, attempt)

    delivery = only(await parts.deliveries.many(["dlv_0"]))
    assert (delivery.state, delivery.attempts, delivery.due) == (DeliveryState.DELIVERED, 1, None)
    assert await parts.attempts.of(delivery) == [attempt]


async def test_a_delivery_keeps_how_slack_names_its_message_and_keeps_it_encrypted(parts: StoreParts) -> None:
    watch, _ = await parts.accept()
    await parts.settle(watch, a_delivery(watch))
    _, _, claims = await parts.deliveries.claim(room=5, lease=LEASE)
    claim, posted = only(claims), PostedMessage(channel="C0123ABCD", ts="1503435956.000247")

    done = replace(parts.deliveries.decrypt(claim), state=DeliveryState.DELIVERED, ended_at=9, posted=posted)
    await parts.attempts.commit(done, claim.fence, None)

    assert only(await parts.deliveries.many(["dlv_0"])).posted == posted
    assert "1503435956" not in str(await parts.store.call("HGETALL", "rb:delivery:dlv_0"))


async def test_the_last_fifty_attempts_are_kept(parts: StoreParts) -> None:
    watch, _ = await parts.accept()
    await parts.settle(watch, a_delivery(watch))
    for number in range(1, 53):
        _, _, claims = await parts.deliveries.claim(room=5, lease=LEASE)
        claim = only(claims)
        attempt = Attempt(number=number, at=1, took=5, status=500, reason="HTTP 500", answer="")
        again = replace(parts.deliveries.decrypt(claim), attempts=number, due=await parts.store.now())
        assert await parts.attempts.commit(again, claim.fence, attempt)

    attempts = await parts.attempts.of(only(await parts.deliveries.many(["dlv_0"])))
    assert [attempts[0].number, attempts[-1].number, len(attempts)] == [52, 3, 50]
