"""The poll shift of one workspace: claim due imports within its budget, poll Rally, commit, settle."""

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from time import monotonic

import structlog

from bridge.domain.budget import Budget, grant
from bridge.domain.deduplicator import Deduplicator, truncated
from bridge.domain.imports import KNOWN_STATUSES, Absent, KeyRefused, OverLimit, Read, Reply, Unanswered, Unusable
from bridge.domain.polls import ImportUpdate, PollClaim, after_poll, quarantine, release_claim
from bridge.domain.replies import after_replies
from bridge.domain.times import SECOND, Moment, Span
from bridge.domain.watches import absence_reason
from bridge.domain.workspace_notices import workspace_changes
from bridge.errors import StoreUnavailable
from bridge.resources import Resources
from bridge.store.imports import PollCommit
from workers.notify_operator import OperatorNotifier
from workers.settle import Settler

AHEAD = 3
"""Claims per slot, so that a slot that becomes free finds its next poll already claimed."""
ALL_LEASED_PAUSE = 1.0
"""Seconds until the next look for a probe when every import is leased already."""
START_WITHIN: Span = SECOND
"""A request that has not started this soon after its claim is not sent: the process may have been suspended."""
SETTLE_BY: Span = 10 * SECOND
"""The sweep settles a final import if the worker that polled it has not done so within this time."""

log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimedPoll:
    """A claimed poll, with the deadline (monotonic seconds) for its start."""

    claim: PollClaim
    probe: bool
    probing: bool
    """Whether the breaker was open, so that only this probe was sent."""
    trusted_since: Moment
    """Absences before this moment don't count."""
    start_by: float
    clock: float
    """Redis' clock minus the monotonic one, in seconds."""

    def now(self) -> Moment:
        return int((self.clock + monotonic()) * SECOND)


@dataclass(frozen=True, slots=True, kw_only=True)
class PollResult:
    """The result of a poll."""

    poll: ClaimedPoll
    reply: Reply | None
    """None when no request was sent or our own code failed."""
    advance: ImportUpdate
    at: Moment
    committed: bool = False


class PollWork:
    """The steps of a poll shift."""

    def __init__(self, resources: Resources, workspace: str, settler: Settler, operator: OperatorNotifier) -> None:
        self.name = f"poll:{workspace}"
        self._resources = resources
        self._workspace = workspace
        self._rally = resources.rally[workspace]
        self._settler = settler
        self._operator = operator
        self._statuses = Deduplicator()
        self._odd = Deduplicator()
        self.room = AHEAD * self._rally.slots

    async def claim(self, room: int) -> tuple[Sequence[ClaimedPoll], float | None]:
        settings = self._resources.settings
        began = monotonic()  # before the look, so that a process that is suspended in between starts no request
        look = await self._resources.budgets.read(self._workspace)
        if look.next_due is None:
            return (), None
        if look.next_due > look.now and not look.budget.breaker_open:
            return (), (look.next_due - look.now) / SECOND
        granted = grant(look.budget, look.now, in_flight=look.in_flight, share=settings.rally_budget_share)
        if granted.count <= 0:
            return (), max(0.0, (granted.again_at - look.now) / SECOND)
        claims = await self._resources.imports.claim(
            self._workspace, look.budget, granted, room=room, lease=settings.poll_lease, now=look.now
        )
        # A request takes at most half of the lease. One that starts within the other half ends before the lease does.
        window = min(START_WITHIN, settings.poll_lease // 2)
        if granted.ends_at is not None:
            window = min(window, granted.ends_at - look.now)
        polls = [
            ClaimedPoll(
                claim=claim,
                probe=granted.probe,
                probing=look.budget.breaker_open,
                trusted_since=look.budget.reappeared_at,
                start_by=began + window / SECOND,
                clock=look.now / SECOND - began,
            )
            for claim in claims or ()
        ]
        all_leased = look.budget.breaker_open and claims == []
        return polls, ALL_LEASED_PAUSE if all_leased else 0.0

    async def act(self, claim: ClaimedPoll) -> PollResult:
        reply = await self._rally.get_import(claim.claim.import_id, at=claim.now, start_by=claim.start_by)
        if reply is None:
            return PollResult(poll=claim, reply=None, advance=release_claim(claim.claim), at=claim.now())
        jitter = random.random()  # noqa: S311 - spreads load only
        schedule = self._resources.poll_schedule
        advance = after_poll(
            claim.claim,
            reply,
            schedule,
            jitter=jitter,
            probing=claim.probing,
            trusted_since=claim.trusted_since,
        )
        self._log_reply(claim.claim, reply)
        polled = PollResult(poll=claim, reply=reply, advance=advance, at=reply.at)
        return await self._commit_at_once(polled) if advance.due is None else polled

    def poisoned(self, claim: ClaimedPoll, error: Exception) -> PollResult:
        del error  # the shift has logged it
        return PollResult(poll=claim, reply=None, advance=quarantine(claim.claim, claim.now()), at=claim.now())

    async def commit(self, results: Sequence[PollResult]) -> None:
        if left := [result for result in results if not result.committed]:
            await self._commit(left)
        await self._correct_budget(results)

    async def _commit_at_once(self, polled: PollResult) -> PollResult:
        """Commit the end of an import without waiting for the shift's next round."""
        try:
            await self._commit([polled])
        except StoreUnavailable:
            return polled  # the next round tries again
        return replace(polled, committed=True)

    async def _commit(self, results: Sequence[PollResult]) -> None:
        commits = [PollCommit(claim=r.poll.claim, advance=r.advance, at=r.at) for r in results]
        settle_by = max(result.at for result in results) + SETTLE_BY
        committed = await self._resources.imports.commit(self._workspace, commits, settle_by=settle_by)
        for result, is_ours in zip(results, committed, strict=True):
            # The sweep handles expiries. Here a watch can only have ended through a final reading or an absence.
            if is_ours and (result.advance.due is None or result.advance.absent is not None):
                self._settler.start(self._workspace, result.poll.claim.import_id)

    async def _correct_budget(self, results: Sequence[PollResult]) -> None:
        """Update the budget from the replies; after the commit, when only unanswered polls are still leased."""
        shown = {result.poll.claim.import_id for result in results if result.poll.claim.shown}
        read_before = {result.poll.claim.import_id for result in results if result.poll.claim.known}
        replies = [result.reply for result in results if result.reply is not None]
        probed = any(result.poll.probe for result in results)
        written = not (replies or probed)
        jitter = random.random()  # noqa: S311 - spreads load only
        while not written:
            look = await self._resources.budgets.read(self._workspace)
            budget = after_replies(
                look.budget,
                replies,
                in_flight=look.in_flight,
                now=look.now,
                shown=shown,
                read_before=read_before,
                open_imports=look.open_imports,
                jitter=jitter,
                probed=probed,
            )
            written = await self._resources.budgets.write(self._workspace, budget)
            if written:
                await self._report_changes(look.budget, budget, look.now)

    async def _report_changes(self, before: Budget, after: Budget, now: Moment) -> None:
        """Report when a problem of the workspace begins or ends; once, because only one writer makes the change."""
        for change in workspace_changes(self._workspace, before, after, now):
            write = log.error if change.is_problem else log.warning
            write(change.event.value, workspace=self._workspace, **change.facts)
            if change.notice is not None:
                await self._operator.send(change.notice)

    def _log_reply(self, claim: PollClaim, reply: Reply) -> None:
        """Log what is new: a first fault and the end of faults, and statuses and invalid values not seen before."""
        if reply.header_problem is not None and self._odd.is_new(reply.header_problem):
            log.warning("workspace.headers_invalid", workspace=claim.workspace, oddity=reply.header_problem)
        facts = {"workspace": claim.workspace, "import_id": claim.import_id}
        for odd in filter(self._odd.is_new, reply.malformed_fields):
            log.warning("import.field_invalid", field=odd, **facts)
        match reply.answer:
            case Read(reading) if reading.status not in KNOWN_STATUSES and self._statuses.is_new(reading.status):
                log.warning("import.status_unknown", status=truncated(reading.status), **facts)
            case Absent(absence) if claim.absent is None:
                log.warning("import.absent", status=reply.status, meaning=absence_reason(absence), **facts)
            case Unanswered(reason) if claim.faults == 0:
                log.warning("poll.unanswered", reason=reason, **facts)
            case Unusable(reason) if claim.faults == 0:
                log.warning("poll.response_unusable", reason=reason, **facts)
            case Read() if claim.faults:
                log.info("poll.recovered", faults=claim.faults, **facts)
            case OverLimit(wait):
                log.warning("workspace.rate_limited", workspace=claim.workspace, wait_ms=wait)
            case KeyRefused() | _:
                log.debug("poll.completed", answer=type(reply.answer).__name__, **facts)
