"""The correction of a workspace's budget from Rally's replies, and reports of the problems that they show."""

import random
from collections.abc import Collection, Sequence

import structlog

from bridge.domain.history.notes import notes_of_budget
from bridge.domain.imports import Reply
from bridge.domain.notices.workspace_notices import workspace_changes
from bridge.domain.polling.budget import Budget
from bridge.domain.polling.budget_updates import after_replies
from bridge.domain.times import Moment
from bridge.resources import Resources
from workers.notify_operator import OperatorNotifier

log = structlog.get_logger()


class BudgetCorrection:
    """Corrects the budget of one workspace."""

    def __init__(self, resources: Resources, workspace: str, operator: OperatorNotifier) -> None:
        self._resources = resources
        self._workspace = workspace
        self._operator = operator

    async def correct(
        self,
        replies: Sequence[Reply],
        *,
        probed: bool,
        shown: Collection[str] = (),
        read_before: Collection[str] = (),
    ) -> None:
        """Update the budget from replies, whose requests must not be leased any more. See `after_replies`."""
        written = not (replies or probed)
        jitter = random.random()  # noqa: S311 - spreads load only
        while not written:
            snapshot = await self._resources.budgets.read(self._workspace)
            budget = after_replies(
                snapshot.budget,
                replies,
                in_flight=snapshot.in_flight,
                now=snapshot.now,
                shown=shown,
                read_before=read_before,
                open_imports=snapshot.open_imports,
                jitter=jitter,
                probed=probed,
            )
            notes = notes_of_budget(snapshot.budget, budget, snapshot.now)
            written = await self._resources.budgets.write(self._workspace, budget, notes)
            if written:
                await self._report_changes(snapshot.budget, budget, snapshot.now)

    async def _report_changes(self, before: Budget, after: Budget, now: Moment) -> None:
        """Report when a problem of the workspace begins or ends; once, because only one writer makes the change."""
        for change in workspace_changes(self._workspace, before, after, now):
            write = log.error if change.is_problem else log.warning
            write(change.event.value, workspace=self._workspace, **change.facts)
            if change.notice is not None:
                await self._operator.send(change.notice)
