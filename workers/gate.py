"""The gate shift: release the held deliveries of rules, unless an explicit watch tells the same destination."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import structlog

from bridge.domain.deliveries import Delivery
from bridge.domain.precedence import (
    LOOK_AGAIN,
    Decision,
    ExplicitDestination,
    ExplicitWatch,
    LookAgain,
    Release,
    Skip,
    decide,
)
from bridge.domain.quarantine import QUARANTINE
from bridge.domain.rules import rule_of
from bridge.domain.times import SECOND, Moment
from bridge.domain.watches import Watch
from bridge.resources import Resources

ROOM = 20
"""The number of held deliveries that a worker decides about at once."""
MOST_WATCHES = 200
"""The number of watches of one import that are looked at, the newest first."""

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

    def __init__(self, resources: Resources, *, on_due: Callable[[], None]) -> None:
        """`on_due` is called when deliveries are due."""
        self._resources = resources
        self._on_due = on_due

    async def claim(self, room: int) -> tuple[Sequence[HeldClaim], float | None]:
        now, next_due, ids = await self._resources.held.claim(room, LOOK_AGAIN)
        pause = None if next_due is None else max(0.0, (next_due - now) / SECOND)
        return [HeldClaim(id=each, at=now) for each in ids], pause

    async def act(self, claim: HeldClaim) -> GateResult:
        delivery = await self._resources.deliveries.get(claim.id)
        watch = None if delivery is None else await self._resources.watches.get(delivery.watch_id)
        if delivery is None or watch is None or watch.outcome is None:
            return GateResult(claim=claim, delivery=delivery, decision=Release())  # deleted by the retention
        explicit = [await self._explicit(each) for each in await self._watches_beside(watch)]
        decision = decide(self._resources.receiver(delivery.destination), watch.outcome, explicit)
        return GateResult(claim=claim, delivery=delivery, decision=decision)

    def set_aside(self, claim: HeldClaim, error: Exception) -> GateResult:
        del error  # the shift has logged it
        return GateResult(claim=claim)

    async def commit(self, results: Sequence[GateResult]) -> None:
        released = 0
        for result in results:
            match result.decision:
                case Release():
                    released += await self._resources.held.release(result.claim.id)
                case Skip() as skip if result.delivery is not None:
                    await self._skip(result.delivery, skip)
                case LookAgain() | Skip():
                    pass  # the claim's lease ends soon
                case None:
                    await self._resources.held.postpone(result.claim.id, result.claim.at + QUARANTINE)
        if released:
            self._on_due()

    async def _skip(self, delivery: Delivery, skip: Skip) -> None:
        skipped = await self._resources.held.skip(
            delivery.id, delivery.watch_id, explicit_id=skip.delivery_id, reason=skip.reason
        )
        if skipped:
            log.info("delivery.skipped", delivery_id=delivery.id, watch_id=delivery.watch_id, reason=skip.reason)

    async def _watches_beside(self, watch: Watch) -> list[Watch]:
        """Return the explicit watches of the same import."""
        ids, _ = await self._resources.indexes.watches_about(
            watch.import_id, client=None, state=None, outcome=None, below=None, limit=MOST_WATCHES
        )
        found = await self._resources.watches.many(ids)
        return [each for each in found if each.workspace == watch.workspace and rule_of(each.client) is None]

    async def _explicit(self, watch: Watch) -> ExplicitWatch:
        if watch.deliveries:
            deliveries = await self._resources.deliveries.many(watch.deliveries)
            destinations = [
                ExplicitDestination(
                    receiver=self._resources.receiver(each.destination),
                    on=each.destination.on,
                    delivery_id=each.id,
                    state=each.state,
                )
                for each in deliveries
            ]
        else:
            destinations = [
                ExplicitDestination(receiver=self._resources.receiver(each), on=each.on) for each in watch.notify
            ]
        return ExplicitWatch(id=watch.id, state=watch.state, outcome=watch.outcome, destinations=destinations)
