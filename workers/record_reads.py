"""The shift that reads failed records from Rally for those who ask the API for them: too many records are not kept."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from time import monotonic

import structlog

from bridge.domain.imports import Absent, KeyRefused, OverLimit, Read, Reply, Unanswered, Unusable
from bridge.domain.polling.budget import Grant, grant
from bridge.domain.times import SECOND, Moment, Span
from bridge.resources import Resources
from workers.budget_correction import BudgetCorrection
from workers.notify_operator import OperatorNotifier

ROOM = 4
"""The number of concurrent reads: each may need some megabytes."""
STARTS_WITHIN: Span = SECOND
"""How long after its claim a request may start; a later one is not sent: the process may have been suspended."""

log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimedRead:
    """A claimed read, with the deadline (monotonic seconds) for its start."""

    workspace: str
    import_id: str
    probe: bool
    start_by: float
    clock: float
    """The difference between Redis' clock and the monotonic clock, in seconds."""

    def now(self) -> Moment:
        return int((self.clock + monotonic()) * SECOND)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadResult:
    """The result of a read."""

    claimed: ClaimedRead
    reply: Reply | None
    """The reply of Rally; None when no request was sent or our own code failed."""


class RecordReadWork:
    """The steps of the shift; it serves all workspaces, because reads are rare."""

    name = "record_reads"
    room = ROOM

    def __init__(self, resources: Resources, operator: OperatorNotifier) -> None:
        self._resources = resources
        self._budgets = {workspace: BudgetCorrection(resources, workspace, operator) for workspace in resources.rally}

    async def claim(self, room: int) -> tuple[Sequence[ClaimedRead], float | None]:
        claimed: list[ClaimedRead] = []
        waits: list[float] = []
        for workspace, import_id in await self._resources.record_reads.wanted(room):
            if workspace not in self._resources.rally:
                await self._resources.record_reads.drop(workspace, import_id)
                continue
            found = await self._claim(workspace, import_id)
            if isinstance(found, ClaimedRead):
                claimed.append(found)
            else:
                waits.append(found)
        return claimed, 0.0 if claimed else min(waits, default=None)

    async def _claim(self, workspace: str, import_id: str) -> ClaimedRead | float:
        """Claim one read; return the seconds until another try if that is not possible now."""
        began = monotonic()  # before the read, so that a process that is suspended in between starts no request
        settings = self._resources.settings
        snapshot = await self._resources.budgets.read(workspace)
        share = settings.workspaces[workspace].budget_share
        granted = grant(snapshot.budget, snapshot.now, in_flight=snapshot.in_flight, share=share)
        if granted.count <= 0:
            return max(1.0, (granted.again_at - snapshot.now) / SECOND)
        if not await self._resources.record_reads.claim(
            workspace, import_id, snapshot.budget, granted, lease=settings.poll_lease, now=snapshot.now
        ):
            return 0.0
        return ClaimedRead(
            workspace=workspace,
            import_id=import_id,
            probe=granted.probe,
            start_by=began + self._start_window(granted, snapshot.now) / SECOND,
            clock=snapshot.now / SECOND - began,
        )

    def _start_window(self, granted: Grant, now: Moment) -> Span:
        window = min(STARTS_WITHIN, self._resources.settings.poll_lease // 2)
        return window if granted.ends_at is None else min(window, granted.ends_at - now)

    async def act(self, claimed: ClaimedRead) -> ReadResult:
        reply = await self._resources.rally[claimed.workspace].get_import(
            claimed.import_id, at=claimed.now, start_by=claimed.start_by, largest_set=sys.maxsize
        )
        return ReadResult(claimed=claimed, reply=reply)

    def set_aside(self, claimed: ClaimedRead, error: Exception) -> ReadResult:
        del error  # the shift has logged it
        return ReadResult(claimed=claimed, reply=None)

    async def commit(self, results: Sequence[ReadResult]) -> None:
        for result in results:
            await self._store_answer(result.claimed, _answer(result.reply))
        for workspace, budget in self._budgets.items():
            ours = [result for result in results if result.claimed.workspace == workspace]
            replies = [result.reply for result in ours if result.reply is not None]
            # Without `shown` and `read_before`: it says nothing about the workspace if Rally has deleted an old import.
            await budget.correct(replies, probed=any(result.claimed.probe for result in ours))

    async def _store_answer(self, claimed: ClaimedRead, answer: Read | str) -> None:
        if isinstance(answer, str):
            facts = {"workspace": claimed.workspace, "import_id": claimed.import_id}
            log.warning("failed_records.not_read", reason=answer, **facts)
        await self._resources.record_reads.answer(claimed.workspace, claimed.import_id, answer)


def _answer(reply: Reply | None) -> Read | str:
    """Return what was read, or why nothing was."""
    if reply is None:
        return "the request was not sent in time"
    match reply.answer:
        case Read() as read:
            return read
        case Absent():
            return "Rally no longer shows the import"
        case KeyRefused():
            return "Rally refused the key of the workspace"
        case OverLimit():
            return "Rally's rate limit is used up"
        case Unusable(reason) | Unanswered(reason):
            return f"no usable answer from Rally: {reason}"
