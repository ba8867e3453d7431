"""Steps of the deliver shifts of several workers."""

from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    multiple,
    precondition,
    rule,
)

from bridge.domain.delivery.attempts import Attempt
from bridge.domain.delivery.deliveries import Delivery
from bridge.domain.delivery.verdicts import Accepted, Deferred, Rejected, Verdict
from bridge.domain.destinations import Destination
from bridge.domain.times import HOUR, Moment
from bridge.store.deliveries.deliveries import DeliveryClaim
from tests.support.redis_snapshot import Snapshot
from tests.support.store_machine.model import ModelDelivery
from tests.support.store_machine.steps import (
    DELIVERY_LEASE,
    DESTINATIONS,
    StoreSteps,
)

delivery_claims: Bundle[DeliveryClaim] = Bundle("delivery_claims")
VERDICTS: tuple[Verdict | str, ...] = (
    Accepted(),
    Accepted(),
    Rejected("HTTP 410"),
    Deferred("HTTP 503"),
    Deferred("HTTP 429", HOUR),
    "postponed",
    "too old",
)


class DeliverySteps(StoreSteps):
    """Several workers claim deliveries and record attempts, also late and twice."""

    @precondition(lambda self: len(self.model.deliveries) < len(self.model.watches))
    @precondition(lambda self: self.model.deliveries)
    @rule(data=st.data())
    def redeliver(self, data: st.DataObject) -> None:
        delivery_id = data.draw(st.sampled_from(sorted(self.model.deliveries)))
        delivery = self.model.deliveries[delivery_id]
        watch_id = self.snapshot().deliveries[delivery_id]["watch"]
        result = self.run(self.resources.deliveries.redeliver(delivery_id, watch_id, by="crm"))
        assert result == (delivery.state if delivery.state in {"pending", "skipped"} else "queued")
        if result == "queued":
            delivery.state = "pending"

    @rule(destination=st.sampled_from(DESTINATIONS))
    def create_notice(self, destination: Destination) -> None:
        notice_id = f"dlv_notice{next(self.names)}"
        lane = self.resources.lane(destination)
        self.run(self.resources.notices.create(notice_id, destination, lane, "{}"))
        self.model.deliveries[notice_id] = ModelDelivery(watch_id="", state="pending")

    @precondition(lambda self: any(delivery.state == "pending" for delivery in self.model.deliveries.values()))
    @rule(target=delivery_claims, room=st.integers(1, 15))
    def claim_deliveries(self, room: int) -> Any:
        return multiple(*self._lease_deliveries(room))

    def _lease_deliveries(self, room: int) -> list[DeliveryClaim]:
        before, early = self.snapshot(), self.now()
        now, _, claims = self.run(self.resources.deliveries.claim(room=room, lease=DELIVERY_LEASE))
        due = [lane for lane, at in before.lanes().items() if at <= early]
        assert len(claims) <= room
        assert claims or not [lane for lane in due if before.held.get(f"rb:lane:{lane}:last") != "failing"]
        for claim in claims:
            delivery = self.model.deliveries[claim.id]
            assert delivery.state == "pending"
            assert delivery.lease_end <= now, "two workers may send one delivery at once"
            self._raise_fence(claim.fence)
            delivery.fence, delivery.lease_end = claim.fence, now + DELIVERY_LEASE
            assert not claim.lane.startswith("slack") or len(self._in_progress(claim.lane, before, now)) == 1
        return claims

    def _in_progress(self, lane: str, before: Snapshot, now: Moment) -> list[str]:
        return [
            delivery_id
            for delivery_id, delivery in self.model.deliveries.items()
            if delivery.lease_end > now and before.deliveries[delivery_id]["lane"] == lane
        ]

    @rule(claim=delivery_claims, verdict=st.sampled_from(VERDICTS))
    def record(self, claim: DeliveryClaim, verdict: Verdict | str) -> None:
        """Record results, perhaps long after the lease, and repeat it as after a lost reply, which changes nothing."""
        delivery = self.model.deliveries.get(claim.id)
        current = delivery is not None and delivery.state == "pending" and delivery.fence == claim.fence
        now = self.now()
        skipped_for: set[str] = self.snapshot().held.get(f"rb:deliveries:skipped_for:{claim.id}", set())
        assert self._record(claim, verdict, now) == current
        if delivery is not None and current:
            after = self._after(claim, verdict, now)
            delivery.state, delivery.attempts, delivery.fence, delivery.lease_end = (
                after.state.value,
                after.attempts,
                None,
                0,
            )
            if delivery.state == "abandoned":
                self._revive(skipped_for)
        self.unchanged(lambda: self._record(claim, verdict, now))

    def _revive(self, delivery_ids: set[str]) -> None:
        """Expect deliveries of rules to be pending again, as the one for which they were skipped is abandoned."""
        for delivery_id in delivery_ids & self.model.deliveries.keys():
            self.model.deliveries[delivery_id].state = "pending"

    def _record(self, claim: DeliveryClaim, verdict: Verdict | str, now: Moment) -> bool:
        if verdict == "postponed":
            return self.run(self.resources.attempts.postpone(claim, now + HOUR, "withheld"))
        after = self._after(claim, verdict, now)
        attempt = Attempt(number=after.attempts, at=now, took=1, status=200, reason=None)
        return self.run(self.resources.attempts.commit(after, claim.fence, None if verdict == "too old" else attempt))

    def _after(self, claim: DeliveryClaim, verdict: Verdict | str, now: Moment) -> Delivery:
        delivery = self.resources.deliveries.decrypt(claim)
        match verdict:
            case "postponed":
                return delivery
            case "too old":
                return delivery.abandoned_for_age(now)
            case str():
                raise AssertionError(verdict)
        return delivery.after(verdict, now, schedule=self.resources.delivery_schedule, jitter=0)

    @precondition(lambda self: any(delivery.state == "pending" for delivery in self.model.deliveries.values()))
    @rule(verdict=st.sampled_from(VERDICTS), room=st.integers(1, 15))
    def deliver(self, verdict: Verdict | str, room: int) -> None:
        """Claim and record with no other step in between."""
        for claim in self._lease_deliveries(room):
            self.record(claim, verdict)

    def _deliver_all(self) -> None:
        for _ in range(2 * len(self.model.deliveries) + 2):
            self.store.offset += HOUR
            for claim in self._lease_deliveries(15):
                self.record(claim, Accepted())
        assert not [delivery for delivery in self.model.deliveries.values() if delivery.state == "pending"]
