"""Notifications: the outcome of a watch, ready to be sent. The id is the same for every attempt."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from bridge.domain.clients import is_rule
from bridge.domain.conclusions import Conclusion
from bridge.domain.imports import FailedRecord, Reading
from bridge.domain.outcomes import Outcome, warning_of
from bridge.domain.past_ends import NOTHING_TO_COMPARE, Comparison
from bridge.domain.times import MINUTE, Moment, Span, moment_of, rfc3339
from bridge.domain.watches import Watch

TYPES: Mapping[Outcome, str] = {
    Outcome.COMPLETED: "import.completed",
    Outcome.COMPLETED_WITH_FAILURES: "import.completed_with_failures",
    Outcome.FAILED: "import.failed",
    Outcome.NOT_FOUND: "watch.not_found",
    Outcome.FORBIDDEN: "watch.forbidden",
    Outcome.TIMED_OUT: "watch.timed_out",
}
ENDED = frozenset({Outcome.COMPLETED, Outcome.COMPLETED_WITH_FAILURES, Outcome.FAILED})
"""Outcomes of the import itself; for the others only the time of watching is known."""
CLOCKS_DIFFER: Span = MINUTE
"""Tolerance for differing clocks: an import that ended at most this long before it was watched may have ended after."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Notification:
    """All that a destination needs to render a message."""

    id: str
    type: str
    at: Moment
    client: str
    """The client of the watch, so that a receiver shared by several clients can distinguish them."""
    watch_id: str
    workspace: str
    import_id: str
    outcome: Outcome
    reason: str | None
    label: str | None
    metadata: Mapping[str, Any] = field(default_factory=dict)
    reading: Reading | None = None
    watched_for: Span = 0
    """The time from the watch's creation to its outcome."""
    mention: tuple[str, ...] = ()
    """The ids of the Slack users to mention; they come from settings and requests, never from other text."""
    link: str | None = None
    """The link to the import, by the operator's template."""
    compared: Comparison = NOTHING_TO_COMPARE
    """What earlier ends of its label and type say of it."""

    @property
    def ended_at(self) -> Moment | None:
        """Return when the import ended by Rally's clock; None if it has not ended, or if that is not known."""
        if self.outcome not in ENDED or self.reading is None:
            return None
        return moment_of(self.reading.updated_at or "")

    @property
    def took(self) -> Span | None:
        """Return how long the import took, counted from when it was watched; None if it was perhaps not seen running.

        A rule watches an import only once it has ended.
        """
        if self.outcome not in ENDED or is_rule(self.client) or self.ended_before_watched:
            return None
        ended, watched_since = self.ended_at, self.at - self.watched_for
        if ended is not None and ended < watched_since and self.watched_for <= CLOCKS_DIFFER:
            return None
        return self.watched_for  # if it seems to have ended before, the clocks differ: it was seen running

    @property
    def ended_before_watched(self) -> bool:
        """Return whether the import had certainly ended when it was watched."""
        watched_since = self.at - self.watched_for
        return self.ended_at is not None and self.ended_at < watched_since - CLOCKS_DIFFER

    @property
    def warning(self) -> str | None:
        """Return a sentence about a suspicious success: an import that completed with 0 people."""
        return warning_of(self.reading)

    def payload(self) -> dict[str, Any]:
        """Return `{type, timestamp, data}`, as sent to callbacks."""
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
                "warning": self.warning,
                "import": None if self.reading is None else reading_as_json(self.reading),
            },
        }


def build_notification(
    watch: Watch,
    conclusion: Conclusion,
    reading: Reading | None,
    now: Moment,
    *,
    link: str | None = None,
    compared: Comparison = NOTHING_TO_COMPARE,
) -> Notification:
    """Build the notification of a conclusion; its id is derived from the watch's id."""
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
        link=link,
        compared=compared,
    )


def notification_id(watch_id: str) -> str:
    return "ntf_" + watch_id.removeprefix("wat_")


def reading_as_json(reading: Reading) -> dict[str, Any]:
    """Return a reading as JSON, as in the API and in callbacks."""
    return {
        "importId": reading.import_id,
        "type": reading.type,
        "status": reading.status,
        "personCount": reading.person_count,
        "failedRecordCount": reading.failed_record_count,
        "failedRecords": [record_as_json(record) for record in reading.failed_records],
        "updatedAt": reading.updated_at,
    }


def record_as_json(record: FailedRecord) -> dict[str, str]:
    named = {"personId": record.person_id, "email": record.email}
    return {key: value for key, value in named.items() if value is not None}
