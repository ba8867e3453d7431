"""A watch as the API returns it, with Python names; and the request for one."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from bridge.client.delivery import Delivery, WatchedDestination
from bridge.client.destinations import Destination
from bridge.client.literals import Outcome, State
from bridge.client.times import time_or_none


@dataclass(frozen=True, slots=True)
class WatchRequest:
    """An import to watch; the fields are the arguments of `Bridge.watch`."""

    import_id: str
    notify: Sequence[Destination] = field(default=(), repr=False)
    """URLs of destinations may contain secrets."""
    label: str | None = None
    metadata: Mapping[str, Any] | None = None
    workspace: str | None = None
    expires_in: int | None = None

    def as_json(self) -> dict[str, Any]:
        """Return the body of the request, without the fields that are not given."""
        fields = {
            "importId": self.import_id,
            "notify": list(self.notify),
            "label": self.label,
            "metadata": self.metadata,
            "workspace": self.workspace,
            "expiresIn": self.expires_in,
        }
        return {name: value for name, value in fields.items() if value is not None}


@dataclass(frozen=True, slots=True, kw_only=True)
class FailedRecord:
    """A person who could not be imported; Rally names the id, the e-mail address or both."""

    person_id: str | None
    email: str | None

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> "FailedRecord":
        return cls(person_id=document.get("personId"), email=document.get("email"))


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
class Watch:
    """A watch as of one response; `document` is the whole JSON document."""

    id: str
    import_id: str
    workspace: str
    state: State
    outcome: Outcome | None
    """How it ended; None before that."""
    reason: str | None
    label: str | None
    metadata: Mapping[str, Any]
    reading: Reading | None
    """The import as last read; None before the first successful poll."""
    polls: int
    last_poll: LastPoll | None
    last_polled_at: datetime | None
    next_poll_at: datetime | None
    created_by: str
    """The name of the client that created it."""
    created_at: datetime
    expires_at: datetime
    settled_at: datetime | None
    """When it ended; None before that."""
    notify: Sequence[WatchedDestination]
    deliveries: Sequence[Delivery]
    document: Mapping[str, Any] = field(repr=False)

    @property
    def ended(self) -> bool:
        return self.state != "watching"

    @property
    def delivered(self) -> bool:
        """Return whether it has ended, and no delivery is still to be sent."""
        return self.ended and not any(each.state == "pending" for each in self.deliveries)

    @property
    def status(self) -> str | None:
        """Return Rally's last status; None before the first successful poll."""
        return None if self.reading is None else self.reading.status

    @property
    def people(self) -> int | None:
        """Return the number of imported people; None if Rally's response had no valid number."""
        return 0 if self.reading is None else self.reading.people

    @property
    def failed_record_count(self) -> int:
        return 0 if self.reading is None else self.reading.failed_record_count

    @property
    def failed_records(self) -> Sequence[FailedRecord]:
        """Return the people who could not be imported, at most 100; `failed_record_count` is the number of all."""
        return () if self.reading is None else self.reading.failed_records

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> "Watch":
        """Return the watch of a document; unknown fields stay in `document`."""
        last_poll = document.get("lastPoll")
        return cls(
            id=document["id"],
            import_id=document["importId"],
            workspace=document["workspace"],
            state=document["state"],
            outcome=document["outcome"],
            reason=document["reason"],
            label=document["label"],
            metadata=document["metadata"],
            reading=None if document["import"] is None else Reading.of(document["import"]),
            polls=document["polls"],
            last_poll=None if last_poll is None else LastPoll.of(last_poll),
            last_polled_at=time_or_none(document["lastPolledAt"]),
            next_poll_at=time_or_none(document["nextPollAt"]),
            created_by=document["createdBy"],
            created_at=datetime.fromisoformat(document["createdAt"]),
            expires_at=datetime.fromisoformat(document["expiresAt"]),
            settled_at=time_or_none(document["settledAt"]),
            notify=tuple(map(WatchedDestination.of, document["notify"])),
            deliveries=tuple(map(Delivery.of, document["deliveries"])),
            document=document,
        )
