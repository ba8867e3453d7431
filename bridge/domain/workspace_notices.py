"""Changes of a workspace that are reported: to the log, and most of them to the operator in a notice.

A change is decided from the workspace's budget before and after some replies. `workers/notify_operator.py` sends the
notices.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from bridge.domain.budget import Budget
from bridge.domain.notices import Notice
from bridge.domain.times import Moment, rfc3339


class WorkspaceEvent(StrEnum):
    """The name of a change, in the log and as the type of its notice."""

    KEY_REFUSED = "workspace.refused"
    KEY_ACCEPTED = "workspace.accepted"
    IMPORTS_VANISHED = "workspace.imports_vanished"
    IMPORTS_SHOWN = "workspace.imports_shown"
    UNAVAILABLE = "workspace.unavailable"
    AVAILABLE = "workspace.available"


PROBLEMS = frozenset({WorkspaceEvent.KEY_REFUSED, WorkspaceEvent.IMPORTS_VANISHED, WorkspaceEvent.UNAVAILABLE})
"""The events that begin a problem; each of the others ends one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkspaceChange:
    """The beginning or the end of a problem: the fields of its log event, and the notice to the operator, if any."""

    event: WorkspaceEvent
    facts: Mapping[str, str | int]
    notice: Notice | None = None

    @property
    def is_problem(self) -> bool:
        return self.event in PROBLEMS


def workspace_changes(workspace: str, before: Budget, after: Budget, now: Moment) -> list[WorkspaceChange]:
    """Return what has changed between two versions of a workspace's budget."""
    return [
        *_key_changes(workspace, before, after, now),
        *_visibility_changes(workspace, before, after, now),
        *_connection_changes(before, after),
    ]


def _key_changes(workspace: str, before: Budget, after: Budget, now: Moment) -> Iterator[WorkspaceChange]:
    if before.key_refused_since is None and (since := after.key_refused_since) is not None:
        yield WorkspaceChange(
            event=WorkspaceEvent.KEY_REFUSED,
            facts={"since": rfc3339(since)},
            notice=key_refused(workspace, since),
        )
    if (since := before.key_refused_since) is not None and after.key_refused_since is None:
        yield WorkspaceChange(
            event=WorkspaceEvent.KEY_ACCEPTED,
            facts={"refused_since": rfc3339(since)},
            notice=key_accepted(workspace, since, now),
        )


def _visibility_changes(workspace: str, before: Budget, after: Budget, now: Moment) -> Iterator[WorkspaceChange]:
    """Yield that imports have vanished, with a reminder from time to time, and that they are visible again."""
    is_new = after.vanished_reported_at != before.vanished_reported_at
    if (since := after.vanished_since) is not None and is_new:
        yield WorkspaceChange(
            event=WorkspaceEvent.IMPORTS_VANISHED,
            facts={"since": rfc3339(since)},
            notice=imports_vanished(workspace, since, now),
        )
    if (since := before.vanished_since) is not None and after.vanished_since is None:
        yield WorkspaceChange(
            event=WorkspaceEvent.IMPORTS_SHOWN,
            facts={"vanished_since": rfc3339(since)},
            notice=imports_shown(workspace, since, now),
        )


def _connection_changes(before: Budget, after: Budget) -> Iterator[WorkspaceChange]:
    """Yield that the breaker has opened or closed. Only the log says so: an outage of Rally ends by itself."""
    if after.breaker_open and not before.breaker_open:
        yield WorkspaceChange(event=WorkspaceEvent.UNAVAILABLE, facts={"faults": after.faults})
    if before.breaker_open and not after.breaker_open:
        yield WorkspaceChange(event=WorkspaceEvent.AVAILABLE, facts={})


def key_refused(workspace: str, since: Moment) -> Notice:
    return Notice(
        type=WorkspaceEvent.KEY_REFUSED.value,
        at=since,
        text=f"Rally refuses the API key of the workspace “{workspace}”. Its watches stay open; polling is paused.",
        facts={"workspace": workspace, "since": rfc3339(since)},
    )


def key_accepted(workspace: str, refused_since: Moment, now: Moment) -> Notice:
    return Notice(
        type=WorkspaceEvent.KEY_ACCEPTED.value,
        at=now,
        text=f"Rally accepts the API key of the workspace “{workspace}” again. Polling goes on.",
        facts={"workspace": workspace, "refusedSince": rfc3339(refused_since)},
    )


def imports_vanished(workspace: str, since: Moment, at: Moment) -> Notice:
    return Notice(
        type=WorkspaceEvent.IMPORTS_VANISHED.value,
        at=at,
        text=f"Rally no longer shows the imports of the workspace “{workspace}” (404 or 403). Check its base URL and"
        " what its API key may see. Its watches stay open; polling is paused.",
        facts={"workspace": workspace, "since": rfc3339(since)},
    )


def imports_shown(workspace: str, vanished_since: Moment, now: Moment) -> Notice:
    return Notice(
        type=WorkspaceEvent.IMPORTS_SHOWN.value,
        at=now,
        text=f"Rally shows imports of the workspace “{workspace}” again. Polling goes on.",
        facts={"workspace": workspace, "vanishedSince": rfc3339(vanished_since)},
    )
