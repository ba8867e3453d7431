"""A watch as the API returns it, with Python names."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

WATCH_FIELDS = frozenset(
    {
        *("id", "importId", "state", "outcome", "reason", "label", "import"),
        *("createdAt", "nextPollAt", "settledAt", "deliveries"),
    }
)
"""The fields that a response must have to be a watch."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Watch:
    """A watch as of one response; `document` is the whole JSON document."""

    id: str
    import_id: str
    state: str
    """`watching`, `settled` or `cancelled`."""
    outcome: str | None
    """`completed`, `completed_with_failures`, `failed`, `not_found`, `forbidden`, `timed_out`; or None."""
    reason: str | None
    label: str | None
    status: str | None
    """Rally's last status; None before the first successful poll."""
    people: int | None
    """None if Rally's response had no valid number."""
    failed_records: int
    created_at: datetime
    next_poll_at: datetime | None
    settled_at: datetime | None
    """When it ended; None before that."""
    deliveries: Sequence[Mapping[str, Any]]
    document: Mapping[str, Any] = field(repr=False)

    @property
    def ended(self) -> bool:
        return self.state != "watching"

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> "Watch":
        """Return the watch of a document; unknown fields stay in `document`."""
        reading = document["import"] or {}
        return cls(
            id=document["id"],
            import_id=document["importId"],
            state=document["state"],
            outcome=document["outcome"],
            reason=document["reason"],
            label=document["label"],
            status=reading.get("status"),
            people=reading.get("personCount", 0),
            failed_records=reading.get("failedRecordCount", 0),
            created_at=datetime.fromisoformat(document["createdAt"]),
            next_poll_at=_time_or_none(document["nextPollAt"]),
            settled_at=_time_or_none(document["settledAt"]),
            deliveries=tuple(document["deliveries"]),
            document=document,
        )


def _time_or_none(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)
