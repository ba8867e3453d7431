"""A notification: an outcome in words for programs; its id never changes, however often it is sent."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from bridge.domain.imports import FailedRecord, Reading
from bridge.domain.outcomes import Outcome
from bridge.domain.times import Moment, Span, rfc3339
from bridge.domain.watches import Conclusion, Watch

TYPES: Mapping[Outcome, str] = {
    Outcome.COMPLETED: "import.completed",
    Outcome.COMPLETED_WITH_FAILURES: "import.completed_with_failures",
    Outcome.FAILED: "import.failed",
    Outcome.NOT_FOUND: "watch.not_found",
    Outcome.FORBIDDEN: "watch.forbidden",
    Outcome.TIMED_OUT: "watch.timed_out",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Notification:
    """What is told: everything that a destination needs to put it into its own form."""

    id: str
    type: str
    at: Moment
    client: str
    """For whom it is: a receiver that several clients use can tell them apart."""
    watch_id: str
    workspace: str
    import_id: str
    outcome: Outcome
    reason: str | None
    label: str | None
    metadata: Mapping[str, Any] = field(default_factory=dict)
    reading: Reading | None = None
    watched_for: Span = 0
    """From the watch's creation to its outcome."""

    def payload(self) -> dict[str, Any]:
        """Give `{type, timestamp, data}`, as callbacks send it."""
        return {
            "type": self.type,
            "timestamp": rfc3339(self.at),
            "data": {
                "client": self.client,
                "watchId": self.watch_id,
                "workspace": self.workspace,
                "importId": self.import_id,
                "label": self.label,
                "metadata": dict(self.metadata),
                "outcome": self.outcome.value,
                "reason": self.reason,
                "import": None if self.reading is None else reading_as_json(self.reading),
            },
        }


def build_notification(watch: Watch, conclusion: Conclusion, reading: Reading | None, now: Moment) -> Notification:
    """Put a conclusion into a notification; its id derives from the watch's."""
    return Notification(
        id=notification_id(watch.id),
        type=TYPES[conclusion.outcome],
        at=now,
        client=watch.client,
        watch_id=watch.id,
        workspace=watch.workspace,
        import_id=watch.import_id,
        outcome=conclusion.outcome,
        reason=conclusion.reason,
        label=watch.label,
        metadata=watch.metadata,
        reading=reading,
        watched_for=now - watch.created_at,
    )


def notification_id(watch_id: str) -> str:
    return "ntf_" + watch_id.removeprefix("wat_")


def reading_as_json(reading: Reading) -> dict[str, Any]:
    """Give a reading as our API and callbacks show it."""
    return {
        "importId": reading.import_id,
        "type": reading.type,
        "status": reading.status,
        "personCount": reading.person_count,
        "failedRecordCount": reading.failed_record_count,
        "failedRecords": [_record_as_json(record) for record in reading.failed_records],
        "updatedAt": reading.updated_at,
    }


def _record_as_json(record: FailedRecord) -> dict[str, str]:
    named = {"personId": record.person_id, "email": record.email}
    return {key: value for key, value in named.items() if value is not None}
