"""The gate shift: release the held deliveries of rules, unless an explicit watch tells the same destination."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import structlog

from bridge.destinations.descriptions import describe
from bridge.domain.delivery.deliveries import Delivery
from bridge.domain.notices.rule_notices import callbacks_flooded
from bridge.domain.polling.quarantine import QUARANTINE
from bridge.domain.rules.digest_schedule import next_digest
from bridge.domain.rules.precedence import LOOK_AGAIN, Decision, LookAgain, Release, Skip
from bridge.domain.rules.rules import rule_of
from bridge.domain.times import SECOND, Moment
from bridge.errors import StoreUnavailable
from bridge.resources import Resources
from bridge.store.deliveries.held_deliveries import Released
from workers.notify_operator import OperatorNotifier
from workers.precedence import Precedence

ROOM = 20
"""The number of held deliveries that a worker decides about at once."""

log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldClaim:
    """A held delivery that was claimed at `at`."""

    id: str
    at: Moment


@dataclass(frozen=True, slots=True, kw_only=True)
class GateResult:
    """What was decided about a held delivery; `delivery` is None if our own code failed on it."""

    claim: HeldClaim
    delivery: Delivery | None = None
    decision: Decision | None = None


class GateWork:
    """The steps of a gate shift."""

    name = "gate"
    room = ROOM

    def __init__(self, resources: Resources, operator: OperatorNotifier, *, on_due: Callable[[], None]) -> None:
        """`on_due` is called when deliveries are due."""
        self._resources = resources
        self._precedence = Precedence(resources)
        self._operator = operator
        self._on_due = on_due

    async def claim(self, room: int) -> tuple[Sequence[HeldClaim], float | None]:
        now, next_due, ids = await self._resources.held.claim(room, LOOK_AGAIN)
        pause = None if next_due is None else max(0.0, (next_due - now) / SECOND)
        return [HeldClaim(id=each, at=now) for each in ids], pause

    async def act(self, claim: HeldClaim) -> GateResult:
        try:
            return await self._decide(claim)
        except StoreUnavailable:
            return GateResult(claim=claim, decision=LookAgain())  # the claim's lease ends soon

    async def _decide(self, claim: HeldClaim) -> GateResult:
        delivery = await self._resources.deliveries.get(claim.id)
        watch = None if delivery is None else await self._resources.watches.get(delivery.watch_id)
        if delivery is None or watch is None:
            return GateResult(claim=claim, delivery=delivery, decision=Release())  # it was deleted by hand
        decision = await self._precedence.decide(delivery, watch)
        return GateResult(claim=claim, delivery=delivery, decision=decision)

    def set_aside(self, claim: HeldClaim, error: Exception) -> GateResult:
        del error  # the shift has logged it
        return GateResult(claim=claim)

    async def commit(self, results: Sequence[GateResult]) -> None:
        released = 0
        for result in results:
            match result.decision:
                case Release() if result.delivery is not None:
                    released += await self._release(result.delivery)
                case Skip() as skip if result.delivery is not None:
                    await self._skip(result.delivery, skip)
                case Release():
                    await self._resources.held.forget(result.claim.id)
                case LookAgain() | Skip():
                    pass  # the claim's lease ends soon
                case None:
                    await self._resources.held.postpone(result.claim.id, result.claim.at + QUARANTINE)
        if released:
            self._on_due()

    async def _release(self, delivery: Delivery) -> bool:
        """Release a delivery; return whether it is in its lane now."""
        now, rule = await self._resources.store.now(), self._resources.rule_of(delivery.client)
        due = None if rule is None or rule.digest is None else next_digest(rule.digest, now)
        name = rule_of(delivery.client) or ""
        released = await self._resources.held.release(delivery, rule=name, digest_due=due)
        if released is Released.FLOODING:
            await self._operator.send(callbacks_flooded(name, describe(delivery.destination), now))
        return released in {Released.RELEASED, Released.FLOODING}

    async def _skip(self, delivery: Delivery, skip: Skip) -> None:
        skipped = await self._resources.held.skip(
            delivery.id, delivery.watch_id, explicit_id=skip.delivery_id, reason=skip.reason
        )
        if skipped:
            log.info("delivery.skipped", delivery_id=delivery.id, watch_id=delivery.watch_id, reason=skip.reason)
