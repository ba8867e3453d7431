"""The sweep: a periodic job for everything that no ring of the bell announces.

It brings due times forward after Redis' clock was set back, resumes interrupted settling, ends expired watches, and
writes the digests and summaries of rules. It counts imports that ended without a push. It reports abandoned deliveries,
pushes that have stopped, a Redis that evicts keys, and other problems that last, to the operator. It accepts watches
that were asked for in Slack and left behind. It deletes old data, and marks data of the previous layout with ours.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import structlog

from bridge.destinations.descriptions import describe
from bridge.domain.destinations import Destination
from bridge.domain.notices.notice_texts import deliveries_abandoned, pushes_silent, redis_evicts, redis_evicts_no_more
from bridge.domain.rules.push_proof import PushProof
from bridge.domain.times import SECOND, Moment, Span
from bridge.errors import StoreUnavailable
from bridge.ids import derived_id
from bridge.resources import Resources
from bridge.store.calls.clock import Clock
from bridge.store.layout import LAYOUT, raise_layout
from bridge.store.operations.redis_check import eviction_problem, note_eviction, read_policy
from workers.alarm_reports import AlarmReports
from workers.deliver import LEASE as DELIVERY_LEASE
from workers.digests import DigestWriter
from workers.notify_operator import OperatorNotifier
from workers.settle import Settler
from workers.summaries import SummaryWriter

BATCH = 500
"""The largest number of records of one kind that one run processes."""
SETTLING_LEASE: Span = 10 * SECOND
EXPIRY_RECHECK: Span = 2 * SECOND
"""How often an expired watch is checked until its final poll is done or given up."""

log = structlog.get_logger()


class Sweep:
    """The steps of the sweep, the most urgent first."""

    def __init__(
        self,
        resources: Resources,
        settler: Settler,
        operator: OperatorNotifier,
        digests: DigestWriter,
        summaries: SummaryWriter,
    ) -> None:
        self._resources = resources
        self._settler = settler
        self._operator = operator
        self._digests = digests
        self._summaries = summaries
        self._alarms = AlarmReports(resources, operator)

    async def run(self) -> None:
        """Run every step, even if a bug of ours breaks another one; raises StoreUnavailable."""
        for step in (
            self._follow_clock,
            self._finish_endings,
            self._resume_settling,
            self._settle_expired,
            self._judge_pushes,
            self._digests.run,
            self._summaries.run,
            self._report_abandoned,
            self._report_eviction,
            self._delete_old,
            self._raise_layout,
            self._alarms.run,  # last, as it may wait for the answer to a heartbeat
        ):
            try:
                await step()
            except StoreUnavailable:
                raise
            except Exception as error:
                log.error("sweep.step_failed", step=step.__name__, exc_info=error)  # noqa: TRY400 - with fields

    async def _follow_clock(self) -> None:
        """Bring due times forward after Redis' clock was set back, so that nothing waits for the old time."""
        for workspace in self._resources.rally:
            await self._resources.imports.move_back(workspace, self._resources.settings.poll_lease)
        clock = Clock(self._resources.store)
        if span := await clock.set_back():
            log.warning("clock.set_back", ms=span)
            await clock.move_back_watches()
            await clock.move_back_deliveries(DELIVERY_LEASE)
            await clock.accept()

    async def _finish_endings(self) -> None:
        """Carry out endings that were kept for replicas and then left behind."""
        endings = self._resources.endings
        for watch_id in await endings.kept.claim_left_over(BATCH, SETTLING_LEASE):
            with _isolated(watch_id):
                if await endings.finish(watch_id):
                    log.info("watch.settled", watch_id=watch_id, resumed=True)

    async def _resume_settling(self) -> None:
        for workspace, import_id in await self._resources.imports.claim_settling(BATCH, SETTLING_LEASE):
            with _isolated(import_id):
                await self._settler.settle(workspace, import_id)

    async def _settle_expired(self) -> None:
        """Poll the imports of expired watches a final time, then settle them."""
        expired = await self._resources.endings.claim_expiring(BATCH, EXPIRY_RECHECK)
        expiries: dict[tuple[str, str], Moment] = {}
        for watch_id in expired:
            where = await self._resources.watches.index_entry(watch_id)
            if where is not None:
                key = (where.workspace, where.import_id)
                expiries[key] = min(where.expires_at, expiries.get(key, where.expires_at))
        for (workspace, import_id), expires_at in expiries.items():
            with _isolated(import_id):
                import_record = await self._resources.imports.get(workspace, import_id)
                if import_record is not None and (import_record.state.polled_at or 0) < expires_at:
                    await self._resources.imports.poll_now(workspace, import_id)
                await self._settler.settle(workspace, import_id)

    async def _raise_layout(self) -> None:
        """Mark data of the previous layout with ours, once no older worker runs."""
        if await raise_layout(self._resources.store):
            log.info("layout.raised", layout=LAYOUT)

    async def _judge_pushes(self) -> None:
        """Count imports that ended without a push, and report once when a type that was pushed no longer is."""
        for workspace in self._resources.settings.workspaces.values():
            if not workspace.webhook_secrets:
                continue
            await self._resources.push_proofs.count_misses(workspace.name)
            for type_, proof in (await self._resources.push_proofs.get(workspace.name)).items():
                if proof.silent and not proof.told:
                    await self._report_silence(workspace.name, type_, proof)

    async def _report_silence(self, workspace: str, type_: str, proof: PushProof) -> None:
        """Create the notice, then note that it exists: a crash in between repeats the step with the same id."""
        notice = pushes_silent(workspace, type_, await self._resources.store.now())
        notice_id = derived_id("dlv_", proof.last_match or 0, notice.type, workspace, type_)
        await self._operator.send(notice, notice_id=notice_id)
        if await self._resources.push_proofs.mark_told(workspace, type_):
            log.warning(notice.type, workspace=workspace, import_type=type_, since=proof.last_match)

    async def _report_abandoned(self) -> None:
        """Report the deliveries that were abandoned since the last run to the operator, in one notice."""
        if self._resources.settings.operator_notify is None:
            return
        if unreported := await self._resources.notices.unreported(BATCH):
            first = next(
                iter(await self._resources.deliveries.many(unreported)), None
            )  # the first that can be decrypted
            destination, reason = (
                ("…", None) if first is None else (self._described(first.destination), first.last_reason)
            )
            notice = deliveries_abandoned(
                len(unreported),
                destination,
                reason,
                await self._resources.store.now(),
                delivery_id=first.id if first is not None and first.watch_id else None,
            )
            await self._operator.send(notice, abandoned=unreported)

    def _described(self, destination: Destination) -> str:
        return f"{describe(destination)} ({self._resources.fingerprint(destination)})"

    async def _report_eviction(self) -> None:
        """Report once per fleet when Redis begins to evict keys, and when it has stopped."""
        if self._resources.settings.redis_may_evict:
            return
        store = self._resources.store
        problem = eviction_problem(await read_policy(store))
        if not await note_eviction(store, problem):
            return
        if problem is None:
            log.warning("redis.eviction_ended")
            await self._operator.send(redis_evicts_no_more(await store.now()))
        else:
            log.error("redis.evicting", problem=problem)
            await self._operator.send(redis_evicts(problem, await store.now()))

    async def _delete_old(self) -> None:
        """Delete watches and deliveries after the retention, and final imports when they are too old to reuse."""
        settings = self._resources.settings
        now = await self._resources.store.now()
        forgotten = 0
        for watch_id in await self._resources.watches.ended_before(now - settings.bridge_retention, BATCH):
            where = await self._resources.watches.index_entry(watch_id)
            if where is None:
                await self._resources.notices.delete(watch_id)
            else:
                forgotten += await self._resources.watches.delete(watch_id, where)
        if forgotten:
            log.info("watches.deleted", count=forgotten)
        await self._resources.watches.delete_replays(BATCH)
        await self._resources.imports.delete_final(reuse=settings.reading_reuse, count=BATCH)
        await self._resources.record_sets.delete_unused(BATCH)


@contextmanager
def _isolated(import_id: str) -> Iterator[None]:
    """Log an error about one import instead of raising it, so that the next ones are still processed."""
    try:
        yield
    except StoreUnavailable:
        raise
    except Exception as error:
        log.error("import.settling_failed", import_id=import_id, exc_info=error)  # noqa: TRY400 - with fields
