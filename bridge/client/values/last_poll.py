"""What the last poll of an open watch found."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class LastPoll:
    """What the last poll of an open watch found."""

    at: datetime
    status: int | None
    """Rally's HTTP status; None if it did not answer."""
    meaning: str

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> "LastPoll":
        return cls(at=datetime.fromisoformat(document["at"]), status=document["status"], meaning=document["meaning"])
