"""The state of an import as Rally reported it, and what the last poll found."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class FailedRecord:
    """A person who could not be imported; Rally names the id, the e-mail address or both."""

    person_id: str | None
    email: str | None

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> "FailedRecord":
        return cls(person_id=document.get("personId"), email=document.get("email"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """The state of an import as Rally reported it last."""

    type: str | None
    status: str
    people: int | None
    """The number of imported people; None if Rally's response had no valid number."""
    failed_record_count: int
    failed_records: Sequence[FailedRecord] = field(repr=False)
    """The failed records, at most 100 of them; `failed_record_count` is the number of all."""

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> "Reading":
        return cls(
            type=document["type"],
            status=document["status"],
            people=document["personCount"],
            failed_record_count=document["failedRecordCount"],
            failed_records=tuple(map(FailedRecord.of, document["failedRecords"])),
        )


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
