"""One attempt to send a delivery."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One attempt to send a delivery."""

    number: int
    at: datetime
    took_ms: int
    status: int | None
    """The receiver's HTTP status; None if it did not answer."""
    reason: str | None
    answer: str
    """The first characters of the receiver's answer."""

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> "Attempt":
        return cls(
            number=document["number"],
            at=datetime.fromisoformat(document["at"]),
            took_ms=document["tookMs"],
            status=document["status"],
            reason=document["reason"],
            answer=document["answer"],
        )
