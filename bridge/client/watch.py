"""A watch as the API answers it, in Python's names."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

FIELDS = frozenset(
    {
        *("id", "importId", "state", "outcome", "reason", "label", "import"),
        *("createdAt", "nextPollAt", "settledAt", "deliveries"),
    }
)
"""What an answer must hold to be read as a watch."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Watch:
    """A watch as it stood when it was asked for; `document` is the whole answer, as JSON has it."""

    id: str
    import_id: str
    state: str
    """`watching`, `settled` or `cancelled`."""
    outcome: str | None
    """`completed`, `completed_with_failures`, `failed`, `not_found`, `forbidden`, `timed_out`; or None."""
    reason: str | None
    label: str | None
    status: str | None
    """What Rally said last, in its own words; None when it has said nothing yet."""
    people: int | None
    """None where Rally's answer gave no number that makes sense."""
    failed_records: int
    created_at: datetime
    next_poll_at: datetime | None
    settled_at: datetime | None
    """When it ended; None while it has not."""
    deliveries: Sequence[Mapping[str, Any]]
    document: Mapping[str, Any] = field(repr=False)

    @property
    def ended(self) -> bool:
        return self.state != "watching"

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> "Watch":
        """Read an answer; fields that are not known here stay in `document`."""
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
