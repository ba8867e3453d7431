"""What happened to a watch, and what it waits for: values, and the sentences that people read."""

from bridge.domain.history.entries import HistoryEntry, HistoryKind, Timeline

__all__ = ["HistoryEntry", "HistoryKind", "Timeline"]
