"""The sweep: the periodic look for what nobody woke - settling to resume, expiries, and what may be forgotten."""

from collections.abc import Iterator
from contextlib import contextmanager

import structlog

from bridge.destinations import describe
from bridge.domain.notices import deliveries_abandoned, redis_evicts, redis_evicts_no_more
from bridge.domain.times import SECOND, Moment, Span
from bridge.errors import StoreUnavailable
from bridge.resources import Resources
from bridge.store.clock import Clock
from bridge.store.fitness import eviction_problem, note_eviction, read_policy
from workers.deliver import LEASE as DELIVERY_LEASE
from workers.operator_notices import OperatorNotices
from workers.settle import Settler

BATCH = 500
SETTLING_LEASE: Span = 10 * SECOND
EXPIRY_LOOK: Span = 2 * SECOND
"""An expired watch is looked at this often until its last poll was made, or given up."""

log = structlog.get_logger()


class Sweep:
    """What the sweep does, in the order in which it matters."""

    def __init__(self, resources: Resources, settler: Settler, operator: OperatorNotices) -> None:
        self._resources = resources
        self._settler = settler
        self._operator = operator

    async def run(self) -> None:
        """Take each step, also where our code trips over a record in another."""
        for step in (
            self._heed_clock,
            self._resume_settling,
            self._look_at_expiries,
            self._tell_of_abandoned,
            self._report_eviction,
            self._forget,
        ):
            try:
                await step()
            except StoreUnavailable:
                raise
            except Exception as error:
                log.error("sweep.step_failed", step=step.__name__, exc_info=error)  # noqa: TRY400 - with facts

    async def _heed_clock(self) -> None:
        """Let nothing wait for what was near before Redis' clock was set back."""
        for workspace in self._resources.rally:
            await self._resources.imports.recall(workspace, self._resources.settings.poll_lease)
        clock = Clock(self._resources.store)
        if span := await clock.set_back():
            log.warning("clock.set_back", ms=span)
            await clock.recall_watches()
            await clock.recall_deliveries(DELIVERY_LEASE)
            await clock.accept()

    async def _resume_settling(self) -> None:
        for workspace, import_id in await self._resources.imports.claim_settling(BATCH, SETTLING_LEASE):
            with _apart_from_the_others(import_id):
                await self._settler.settle(workspace, import_id)

    async def _look_at_expiries(self) -> None:
        """Have the imports of expired watches polled a last time, then settle them."""
        _, expired = await self._resources.watches.claim_expiring(BATCH, EXPIRY_LOOK)
        places: dict[tuple[str, str], Moment] = {}
        for watch_id in expired:
            where = await self._resources.watches.index_entry(watch_id)
            if where is not None:
                place = (where.workspace, where.import_id)
                places[place] = min(where.expires_at, places.get(place, where.expires_at))
        for (workspace, import_id), expires_at in places.items():
            with _apart_from_the_others(import_id):
                polled = await self._resources.imports.get(workspace, import_id)
                if polled is not None and (polled.known.polled_at or 0) < expires_at:
                    await self._resources.imports.hasten(workspace, import_id)
                await self._settler.settle(workspace, import_id)

    async def _tell_of_abandoned(self) -> None:
        """Tell the operator of what was given up since the last look, in one notice however much it is."""
        if self._resources.settings.operator_notify is None:
            return
        if untold := await self._resources.deliveries.untold(BATCH):
            first = next(iter(await self._resources.deliveries.of(untold)), None)  # of those that open
            place, reason = ("…", None) if first is None else (describe(first.destination), first.last_reason)
            notice = deliveries_abandoned(len(untold), place, reason, await self._resources.store.now())
            await self._operator.tell(notice, of=untold)

    async def _report_eviction(self) -> None:
        """Report once for the fleet when Redis begins to drop watches and when it no longer does."""
        if self._resources.settings.redis_may_evict:
            return
        store = self._resources.store
        problem = eviction_problem(await read_policy(store))
        if not await note_eviction(store, problem):
            return
        if problem is None:
            log.warning("redis.eviction_ended")
            await self._operator.tell(redis_evicts_no_more(await store.now()))
        else:
            log.error("redis.evicting", problem=problem)
            await self._operator.tell(redis_evicts(problem, await store.now()))

    async def _forget(self) -> None:
        """Delete what ended longer ago than the retention; final imports as soon as they answer nobody any more."""
        settings = self._resources.settings
        now = await self._resources.store.now()
        forgotten = 0
        for watch_id in await self._resources.watches.ended_before(now - settings.bridge_retention, BATCH):
            where = await self._resources.watches.index_entry(watch_id)
            if where is None:
                await self._resources.deliveries.forget_notice(watch_id)
            else:
                await self._resources.watches.forget(watch_id, where)
                forgotten += 1
        if forgotten:
            log.info("watches.deleted", count=forgotten)
        await self._resources.watches.forget_replays(BATCH)
        await self._resources.imports.forget_final(reuse=settings.reading_reuse, count=BATCH)


@contextmanager
def _apart_from_the_others(import_id: str) -> Iterator[None]:
    """Look after one import; that our code trips over it must not hold up those that are looked after next."""
    try:
        yield
    except StoreUnavailable:
        raise
    except Exception as error:
        log.error("import.settling_failed", import_id=import_id, exc_info=error)  # noqa: TRY400 - with facts
