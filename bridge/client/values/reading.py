"""The state of an import as Rally reported it last."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from bridge.client.values.failed_record import FailedRecord


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
