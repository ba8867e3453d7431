"""A watch as the API returns it, with Python names."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from bridge.client.values.delivery import Delivery
from bridge.client.values.failed_record import FailedRecord
from bridge.client.values.last_poll import LastPoll
from bridge.client.values.literals import Outcome, State
from bridge.client.values.reading import Reading
from bridge.client.values.times import time_or_none
from bridge.client.values.waiting_for import WaitingFor
from bridge.client.values.watched_destination import WatchedDestination


@dataclass(frozen=True, slots=True, kw_only=True)
class Watch:
    """A watch as of one response; `document` is the whole JSON document."""

    id: str
    import_id: str
    workspace: str
    state: State
    outcome: Outcome | None
    """How it ended; None before that."""
    reason: str | None
    warning: str | None
    """A sentence about an import that completed with 0 people; otherwise None."""
    label: str | None
    metadata: Mapping[str, Any]
    reading: Reading | None
    """The import as last read; None before the first successful poll."""
    polls: int
    last_poll: LastPoll | None
    last_polled_at: datetime | None
    next_poll_at: datetime | None
    waiting_for: WaitingFor | None
    """What it waits for; None if nothing is left to be done, or if the bridge is too old to say."""
    created_by: str
    """The name of the client that created it."""
    created_at: datetime
    expires_at: datetime
    nudge_after: int | None
    """Seconds after which Slack is told that the import still runs; None: not at all."""
    settled_at: datetime | None
    """When it ended; None before that."""
    notify: Sequence[WatchedDestination]
    deliveries: Sequence[Delivery]
    document: Mapping[str, Any] = field(repr=False)

    @property
    def ended(self) -> bool:
        return self.state != "watching"

    @property
    def deliveries_ended(self) -> bool:
        """Return whether it has ended, and each delivery is delivered, abandoned or skipped."""
        return self.ended and not any(each.state == "pending" for each in self.deliveries)

    @property
    def undelivered(self) -> int:
        """Return the number of its messages that are not delivered: pending or abandoned."""
        return sum(each.state in {"pending", "abandoned"} for each in self.deliveries)

    @property
    def status(self) -> str | None:
        """Return Rally's last status; None before the first successful poll."""
        return None if self.reading is None else self.reading.status

    @property
    def people(self) -> int | None:
        """Return the number of imported people; None before the first reading, or if that had no valid number."""
        return None if self.reading is None else self.reading.people

    @property
    def failed_record_count(self) -> int:
        """Return the number of failed records in the last reading; 0 before the first."""
        return 0 if self.reading is None else self.reading.failed_record_count

    @property
    def failed_records(self) -> Sequence[FailedRecord]:
        """Return the people who could not be imported, at most 100; `failed_record_count` is the number of all."""
        return () if self.reading is None else self.reading.failed_records

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> "Watch":
        """Return the watch of a document; unknown fields stay in `document`."""
        last_poll, waiting_for = document.get("lastPoll"), document.get("waitingFor")
        return cls(
            id=document["id"],
            import_id=document["importId"],
            workspace=document["workspace"],
            state=document["state"],
            outcome=document["outcome"],
            reason=document["reason"],
            warning=document.get("warning"),
            label=document["label"],
            metadata=document["metadata"],
            reading=None if document["import"] is None else Reading.of(document["import"]),
            polls=document["polls"],
            last_poll=None if last_poll is None else LastPoll.of(last_poll),
            last_polled_at=time_or_none(document["lastPolledAt"]),
            next_poll_at=time_or_none(document["nextPollAt"]),
            waiting_for=None if waiting_for is None else WaitingFor.of(waiting_for),
            created_by=document["createdBy"],
            created_at=datetime.fromisoformat(document["createdAt"]),
            expires_at=datetime.fromisoformat(document["expiresAt"]),
            nudge_after=document.get("nudgeAfter"),
            settled_at=time_or_none(document["settledAt"]),
            notify=tuple(map(WatchedDestination.of, document["notify"])),
            deliveries=tuple(map(Delivery.of, document["deliveries"])),
            document=document,
        )
