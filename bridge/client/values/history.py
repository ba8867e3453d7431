"""The history of a watch as the API returns it, with Python names."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from bridge.client.values.waiting_for import WaitingFor


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryEntry:
    """One thing that happened to a watch: `text` is a sentence, `kind` a word for programs."""

    at: datetime
    kind: str
    text: str

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> "HistoryEntry":
        return cls(at=datetime.fromisoformat(document["at"]), kind=document["kind"], text=document["text"])


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """What happened to a watch, as of one response; `document` is the whole JSON document."""

    watch_id: str
    summary: str
    """What became of the watch, and of each message, in sentences."""
    waiting_for: WaitingFor | None
    """None if nothing is left to be done."""
    advice: Sequence[str]
    """What can be done, in sentences."""
    entries: Sequence[HistoryEntry]
    """Oldest first."""
    document: Mapping[str, Any] = field(repr=False)

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> "History":
        waiting_for = document["waitingFor"]
        return cls(
            watch_id=document["watchId"],
            summary=document["summary"],
            waiting_for=None if waiting_for is None else WaitingFor.of(waiting_for),
            advice=tuple(document["advice"]),
            entries=tuple(map(HistoryEntry.of, document["data"])),
            document=document,
        )
