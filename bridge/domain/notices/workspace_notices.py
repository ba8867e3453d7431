"""Which changes of a workspace are reported: all of them to the log, most of them to the operator in a notice.

A change is decided from the workspace's budget before and after some replies. `notice_texts.py` has the words of the
notices, `workers/notify_operator.py` sends them.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from bridge.domain.notices.notice_texts import imports_shown, imports_vanished, key_accepted, key_refused
from bridge.domain.notices.notices import Notice
from bridge.domain.notices.workspace_events import PROBLEMS, WorkspaceEvent
from bridge.domain.polling.budget import Budget
from bridge.domain.times import Moment, rfc3339


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
