"""The beginnings and ends of a workspace's problems, by name."""

from enum import StrEnum


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
