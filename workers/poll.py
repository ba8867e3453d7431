"""The poll shift of one workspace: claim due imports within its budget, poll Rally, commit, settle."""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from time import monotonic
from typing import Any

import structlog

from bridge.domain.conclusions import absence_reason
from bridge.domain.imports import (
    KNOWN_STATUSES,
    Absent,
    ImportAnswer,
    KeyRefused,
    OverLimit,
    Read,
    Reply,
    Unanswered,
    Unusable,
)
from bridge.domain.polling.budget import Grant, grant
from bridge.domain.polling.detection_delay import detection_delay
from bridge.domain.polling.poll_results import ImportUpdate, PollClaim, after_poll, quarantine, release_claim
from bridge.domain.times import MINUTE, SECOND, Moment, Span
from bridge.errors import StoreUnavailable
from bridge.logged_texts import LoggedTexts, truncated
from bridge.metrics import process_counts
from bridge.resources import Resources
from bridge.store.imports.budgets import BudgetSnapshot
from bridge.store.imports.imports import PollCommit
from workers.budget_correction import BudgetCorrection
from workers.notify_operator import OperatorNotifier
from workers.poll_traces import trace_poll
from workers.settle import Settler

AHEAD = 3
"""The number of claims per slot, so that a free slot finds its next poll already claimed."""
ALL_LEASED_PAUSE = 1.0
"""Seconds until the next attempt to claim a probe when every import is leased already."""
POLL_STARTS_WITHIN: Span = SECOND
"""How long after its claim a request may start; a later one is not sent: the process may have been suspended."""
SETTLE_BY: Span = 10 * SECOND
"""The sweep settles a final import if the worker that polled it has not done so within this time."""

ANSWERS: Mapping[type[ImportAnswer], str] = {
    Read: "read",
    Absent: "absent",
    KeyRefused: "key_refused",
    OverLimit: "over_limit",
    Unusable: "unusable",
    Unanswered: "unanswered",
}
"""The labels of answers in the metrics."""
NOT_SENT = "not_sent"
LATE: Span = MINUTE
"""How late a poll is logged."""
WATCHES_NAMED = 10
"""The number of watches that a line about an import names."""

log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimedPoll:
    """A claimed poll, with the deadline (monotonic seconds) for its start."""

    claim: PollClaim
    probe: bool
    probing: bool
    """Whether the breaker was open, so that only this probe was sent."""
    trusted_since: Moment
    """The moment from which absences count."""
    start_by: float
    clock: float
    """The difference between Redis' clock and the monotonic clock, in seconds."""

    def now(self) -> Moment:
        return int((self.clock + monotonic()) * SECOND)


@dataclass(frozen=True, slots=True, kw_only=True)
class PollResult:
    """The result of a poll."""

    claimed: ClaimedPoll
    reply: Reply | None
    """The reply of Rally; None when no request was sent or our own code failed."""
    update: ImportUpdate
    at: Moment
    committed: bool = False


class PollWork:
    """The steps of a poll shift."""

    def __init__(self, resources: Resources, workspace: str, settler: Settler, operator: OperatorNotifier) -> None:
        self.name = f"poll:{workspace}"
        self._resources = resources
        self._workspace = workspace
        self._rally = resources.rally[workspace]
        self._push_expected = bool(resources.settings.workspaces[workspace].webhook_secrets)
        self._settler = settler
        self._budget = BudgetCorrection(resources, workspace, operator)
        self._statuses = LoggedTexts()
        self._problems = LoggedTexts()
        self._late = LoggedTexts()
        self.room = AHEAD * self._rally.slots

    async def claim(self, room: int) -> tuple[Sequence[ClaimedPoll], float | None]:
        settings = self._resources.settings
        began = monotonic()  # before the read, so that a process that is suspended in between starts no request
        snapshot = await self._resources.budgets.read(self._workspace)
        share = settings.workspaces[self._workspace].budget_share
        granted = grant(snapshot.budget, snapshot.now, in_flight=snapshot.in_flight, share=share)
        next_due = snapshot.next_claim(granted)
        if next_due is None:
            return (), None
        if next_due > snapshot.now and not snapshot.budget.breaker_open:
            return (), (next_due - snapshot.now) / SECOND
        if granted.count <= 0:
            return (), max(0.0, (granted.again_at - snapshot.now) / SECOND)
        claims = await self._resources.imports.claim(
            self._workspace,
            snapshot.budget,
            granted,
            room=room,
            lease=settings.poll_lease,
            now=snapshot.now,
            push_expected=self._push_expected,
        )
        all_leased = snapshot.budget.breaker_open and claims == []
        polls = self._with_deadlines(claims or (), granted, snapshot, began)
        for poll in polls:
            process_counts.poll_lateness.observe(max(0, snapshot.now - poll.claim.due) / SECOND, self._workspace)
        return polls, ALL_LEASED_PAUSE if all_leased else 0.0

    def _with_deadlines(
        self, claims: Sequence[PollClaim], granted: Grant, snapshot: BudgetSnapshot, began: float
    ) -> list[ClaimedPoll]:
        """Add to each claim the deadline for starting its request; `began` is the monotonic time before the claim."""
        # A request takes at most half of the lease. One that starts within the other half ends before the lease does.
        window = min(POLL_STARTS_WITHIN, self._resources.settings.poll_lease // 2)
        if granted.ends_at is not None:
            window = min(window, granted.ends_at - snapshot.now)
        return [
            ClaimedPoll(
                claim=claim,
                probe=granted.probe,
                probing=snapshot.budget.breaker_open,
                trusted_since=snapshot.budget.reappeared_at,
                start_by=began + window / SECOND,
                clock=snapshot.now / SECOND - began,
            )
            for claim in claims
        ]

    async def act(self, claimed: ClaimedPoll) -> PollResult:
        await self._log_lateness(claimed)
        began = monotonic()
        reply = await self._rally.get_import(claimed.claim.import_id, at=claimed.now, start_by=claimed.start_by)
        if reply is None:
            process_counts.polls.add(self._workspace, NOT_SENT)
            return PollResult(claimed=claimed, reply=None, update=release_claim(claimed.claim), at=claimed.now())
        update = after_poll(
            claimed.claim,
            reply,
            self._resources.poll_intervals,
            jitter=random.random(),  # noqa: S311 - spreads load only
            probing=claimed.probing,
            trusted_since=claimed.trusted_since,
        )
        self._count(claimed.claim, reply)
        await self._log_reply(claimed.claim, reply)
        await trace_poll(self._resources, claimed.claim, ANSWERS[type(reply.answer)], monotonic() - began)
        result = PollResult(claimed=claimed, reply=reply, update=update, at=reply.at)
        return await self._commit_at_once(result) if update.due is None else result

    def set_aside(self, claimed: ClaimedPoll, error: Exception) -> PollResult:
        del error  # the shift has logged it
        return PollResult(
            claimed=claimed, reply=None, update=quarantine(claimed.claim, claimed.now()), at=claimed.now()
        )

    async def commit(self, results: Sequence[PollResult]) -> None:
        if left := [result for result in results if not result.committed]:
            await self._commit(left)
        await self._correct_budget(results)

    async def _commit_at_once(self, result: PollResult) -> PollResult:
        """Commit the end of an import without waiting for the shift's next round."""
        try:
            await self._commit([result])
        except StoreUnavailable:
            return result  # the next round tries again
        return replace(result, committed=True)

    async def _commit(self, results: Sequence[PollResult]) -> None:
        commits = [PollCommit(claim=r.claimed.claim, update=r.update, at=r.at) for r in results]
        settle_by = max(result.at for result in results) + SETTLE_BY
        committed = await self._resources.imports.commit(
            self._workspace, commits, settle_by=settle_by, push_expected=self._push_expected
        )
        for result, is_ours in zip(results, committed, strict=True):
            # The sweep handles expiries. Here a watch can only have ended through a final reading or an absence.
            if is_ours and (result.update.due is None or result.update.absent is not None):
                self._settler.start(self._workspace, result.claimed.claim.import_id)

    async def _correct_budget(self, results: Sequence[PollResult]) -> None:
        """Update the budget from the replies; after the commit, when only unanswered polls are still leased."""
        shown = {result.claimed.claim.import_id for result in results if result.claimed.claim.shown}
        read_before = {result.claimed.claim.import_id for result in results if result.claimed.claim.reading_digest}
        replies = [result.reply for result in results if result.reply is not None]
        probed = any(result.claimed.probe for result in results)
        await self._budget.correct(replies, probed=probed, shown=shown, read_before=read_before)

    def _count(self, claim: PollClaim, reply: Reply) -> None:
        process_counts.polls.add(self._workspace, ANSWERS[type(reply.answer)])
        if (delay := detection_delay(claim, reply)) is not None:
            process_counts.detection_delay.observe(delay / SECOND, self._workspace)

    async def _log_reply(self, claim: PollClaim, reply: Reply) -> None:
        """Log what is new: a first fault and the end of faults, and statuses and invalid values not seen before."""
        if reply.header_problem is not None and self._problems.is_new(reply.header_problem):
            log.warning("workspace.headers_invalid", workspace=claim.workspace, problem=reply.header_problem)
        facts: dict[str, Any] = {"workspace": claim.workspace, "import_id": claim.import_id}
        if _is_worth_a_line(claim, reply):
            facts["watch_ids"] = await self._waiting(claim.import_id)
        for field in filter(self._problems.is_new, reply.malformed_fields):
            log.warning("import.field_invalid", field=field, **facts)
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

    async def _log_lateness(self, claimed: ClaimedPoll) -> None:
        """Log the first late poll of an import, by the ids of the watches that wait for it."""
        claim, late = claimed.claim, claimed.now() - claimed.claim.due
        if late >= LATE and self._late.is_new(claim.import_id):
            ids = await self._waiting(claim.import_id)
            log.info("poll.late", workspace=claim.workspace, import_id=claim.import_id, late_ms=late, watch_ids=ids)

    async def _waiting(self, import_id: str) -> list[str]:
        """Return the first watches that wait for an import, so that its lines can be found by their ids."""
        try:
            return await self._resources.watches.some_waiting(self._workspace, import_id, WATCHES_NAMED)
        except StoreUnavailable:
            return []


def _is_worth_a_line(claim: PollClaim, reply: Reply) -> bool:
    """Return whether the answer about an import is logged above the level DEBUG."""
    match reply.answer:
        case Read(reading):
            return claim.faults > 0 or reading.status not in KNOWN_STATUSES
        case Absent():
            return claim.absent is None
        case Unanswered() | Unusable():
            return claim.faults == 0
        case _:
            return False
