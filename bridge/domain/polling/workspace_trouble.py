"""The trouble of a workspace: why it gets no answers at present, and what that means for its imports."""

from dataclasses import replace

from bridge.domain.import_state import ImportState
from bridge.domain.polling.budget import Budget
from bridge.domain.times import rfc3339


def effective_state(budget: Budget, state: ImportState) -> ImportState:
    """Return the state of an import in view of its workspace's: absences don't count while the workspace is paused."""
    absent = state.absent
    if absent is not None and (budget.vanished_since is not None or absent.since < budget.reappeared_at):
        absent = None
    return replace(state, absent=absent, workspace_trouble=_trouble(budget, state.trouble))


def _trouble(budget: Budget, last: str | None) -> str | None:
    """Return why no import of the workspace can be polled now, or None; `last` is the last error for this import."""
    if budget.key_refused_since is not None:
        return f"Rally refused our key since {rfc3339(budget.key_refused_since)}"
    if budget.vanished_since is not None:
        return f"Rally has shown none of our imports since {rfc3339(budget.vanished_since)}"
    if budget.breaker_open and budget.failing_since is not None:
        return f"no usable answer from Rally since {rfc3339(budget.failing_since)}{f': {last}' if last else ''}"
    return None
