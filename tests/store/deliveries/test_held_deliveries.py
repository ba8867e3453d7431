"""Held deliveries: skipped only for a delivery that tells the same, and pending again once that one is abandoned."""

from dataclasses import replace

import pytest

from bridge.domain.delivery.attempts import Attempt
from bridge.domain.delivery.deliveries import DeliveryState
from bridge.domain.delivery.verdicts import Accepted, Rejected, Verdict
from bridge.domain.times import DAY, SECOND
from bridge.domain.watches import Watch
from bridge.store import keys
from bridge.store.calls.connection import Store
from bridge.store.deliveries.deliveries import DeliveryClaim
from bridge.store.deliveries.held_deliveries import HeldDeliveries, Released
from tests.support.redis_snapshot import assert_sound, take_snapshot
from tests.support.store_parts import StoreParts, a_delivery

pytestmark = pytest.mark.anyio

EXPLICIT, OF_RULE = "dlv_1", "dlv_2"


class Told:
    """An explicit watch and one of a rule that have ended alike, and have a pending delivery each."""

    def __init__(self, store: Store) -> None:
        self.parts = StoreParts(store)
        self.held = HeldDeliveries(store)
        self.store = store
        self.watch: Watch
        self.of_rule: Watch

    async def end_both(self) -> "Told":
        self.watch, _ = await self.parts.accept("wat_1", import_id="imp")
        self.of_rule, _ = await self.parts.accept("wat_2", import_id="imp", client="rule:ops")
        now = await self.store.now()
        explicit = a_delivery(self.watch, 1)
        of_rule = replace(a_delivery(self.of_rule, 2), held_until=now)
        assert await self.parts.settle(self.watch, explicit)
        assert await self.parts.settle(self.of_rule, of_rule)
        return self

    async def skip(self) -> bool:
        return await self.held.skip(OF_RULE, self.of_rule.id, explicit_id=EXPLICIT, reason="told")

    async def end_explicit(self, verdict: Verdict) -> None:
        claim = await self._claim()
        now = await self.store.now()
        delivery = self.parts.deliveries.decrypt(claim)
        after = delivery.after(verdict, now, schedule=None, jitter=0)  # type: ignore[arg-type]  # it is final
        attempt = Attempt(number=1, at=now, took=1, status=200, reason=None)
        assert await self.parts.attempts.commit(after, claim.fence, attempt)

    async def _claim(self) -> DeliveryClaim:
        _, _, claims = await self.parts.deliveries.claim(room=9, lease=30 * SECOND)
        (claim,) = [each for each in claims if each.id == EXPLICIT]
        return claim

    async def state(self) -> DeliveryState:
        delivery = await self.parts.deliveries.get(OF_RULE)
        assert delivery is not None
        return delivery.state

    async def release(self) -> Released:
        delivery = await self.parts.deliveries.get(OF_RULE)
        assert delivery is not None
        return await self.held.release(delivery)


@pytest.fixture
async def told(store: Store) -> Told:
    return await Told(store).end_both()


async def test_it_is_skipped_once_and_not_released_afterwards(told: Told) -> None:
    assert await told.skip()
    assert not await told.skip()

    assert await told.state() is DeliveryState.SKIPPED
    assert await told.release() is Released.GONE
    assert_sound(await take_snapshot(told.store))


async def test_one_that_was_released_is_not_skipped(told: Told) -> None:
    assert await told.release() is Released.RELEASED

    assert not await told.skip()
    assert await told.state() is DeliveryState.PENDING
    assert_sound(await take_snapshot(told.store))


async def test_it_is_not_skipped_for_a_delivery_that_was_abandoned_meanwhile(told: Told) -> None:
    await told.end_explicit(Rejected("HTTP 410"))

    assert not await told.skip()
    assert await told.state() is DeliveryState.PENDING


async def test_it_is_held_again_when_the_other_is_abandoned(told: Told) -> None:
    assert await told.skip()
    assert await told.store.call("ZSCORE", keys.ENDED, told.of_rule.id) is not None
    await told.end_explicit(Rejected("HTTP 410"))

    assert await told.state() is DeliveryState.PENDING
    assert await told.store.call("ZSCORE", keys.ENDED, told.of_rule.id) is None
    assert_sound(await take_snapshot(told.store))
    assert await told.release() is Released.RELEASED


async def test_it_stays_skipped_when_the_other_is_delivered(told: Told) -> None:
    assert await told.skip()
    await told.end_explicit(Accepted())

    assert await told.state() is DeliveryState.SKIPPED
    assert_sound(await take_snapshot(told.store))


async def test_its_watch_is_kept_by_the_retention_until_the_other_has_ended(told: Told) -> None:
    assert await told.skip()
    ended_at = await told.store.call("ZSCORE", keys.ENDED, told.of_rule.id)
    told.store.offset += 40 * DAY
    where = await told.parts.watches.index_entry(told.of_rule.id)
    assert where is not None
    assert not await told.parts.watches.delete(told.of_rule.id, where)
    assert await told.store.call("ZSCORE", keys.ENDED, told.of_rule.id) >= ended_at + 40 * DAY
    await told.end_explicit(Accepted())

    assert await told.parts.watches.delete(told.of_rule.id, where)
    assert await told.store.call("EXISTS", keys.delivery(OF_RULE)) == 0
    assert_sound(await take_snapshot(told.store))


async def test_one_that_was_deleted_by_hand_is_not_held_again(told: Told) -> None:
    assert await told.skip()
    await told.store.call("DEL", keys.delivery(OF_RULE))
    await told.end_explicit(Rejected("HTTP 410"))

    assert await told.store.call("EXISTS", keys.delivery(OF_RULE)) == 0
