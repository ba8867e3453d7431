"""Vanished imports: Rally no longer shows imports that it showed before, so the workspace is paused."""

from dataclasses import replace

from bridge.domain.imports import Absent, Read, Reply
from bridge.domain.polling.budget import Budget
from bridge.domain.times import HOUR, MINUTE, Span

VANISHED_IMPORTS = 3
"""The number of imports, read before and absent now, that pauses the workspace, like a rejected key."""
REMINDER_INTERVAL: Span = HOUR
"""The interval at which the operator is reminded that imports are still absent."""
PROBE_INTERVAL: Span = MINUTE


def after_sight(budget: Budget, reply: Reply, *, was_shown: bool, was_read: bool) -> Budget:
    """Update the count of vanished imports: those that were read before and are absent now.

    If several vanish with no reading in between, the base URL or the key's scope is probably wrong, so the workspace is
    paused until an import is read again. An import counts when it turns absent; once one has, those that remain absent
    count as well. Imports that are absent while others are read are gone.
    """
    match reply.answer:
        case Read() if budget.vanished_since is not None:
            return replace(
                budget, vanished_imports=(), vanished_since=None, vanished_probe_at=0, reappeared_at=reply.at
            )
        case Read():
            return replace(budget, vanished_imports=()) if budget.vanished_imports else budget
        case Absent() if was_shown or (was_read and budget.vanished_imports):
            vanished = dict.fromkeys((*budget.vanished_imports, reply.import_id))
            budget = replace(budget, vanished_imports=tuple(vanished)[:VANISHED_IMPORTS])  # enough to pause
    if len(budget.vanished_imports) < VANISHED_IMPORTS or reply.at < budget.vanished_probe_at:
        return budget
    if budget.vanished_since is None or budget.vanished_reported_at is None:
        budget = replace(budget, vanished_since=reply.at, vanished_reported_at=reply.at)
    elif reply.at >= budget.vanished_reported_at + REMINDER_INTERVAL:
        budget = replace(budget, vanished_reported_at=reply.at)
    return replace(budget, vanished_probe_at=reply.at + PROBE_INTERVAL)
