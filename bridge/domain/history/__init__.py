"""What `rally-bridge why`, the API and the console say of a watch: what happened to it, and what it waits for."""

from bridge.domain.history.entries import HistoryEntry, HistoryKind, Timeline

__all__ = ["HistoryEntry", "HistoryKind", "Timeline"]
