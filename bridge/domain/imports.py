"""Imports as read at one moment, and Rally's possible answers to a poll."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeAlias

from bridge.domain.polling.allowance import Allowance
from bridge.domain.times import Moment, Span

FINISHED = frozenset({"COMPLETED", "ERROR"})
"""The vendor's statuses that end an import; any other, including unknown ones, means that it is not finished."""

KNOWN_STATUSES = FINISHED | {"NOT_STARTED", "UPLOADING"}

FAILED_RECORDS_KEPT = 100
"""The number of failed records that a reading keeps, next to their total number."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FailedRecord:
    """A person that Rally could not import, identified by a person id, an e-mail address, or both."""

    person_id: str | None = None
    email: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """The state of an import at one moment; `type`, `status` and `updated_at` are the vendor's own strings.

    Only the id and the status are required. Other fields that were invalid in Rally's answer are None or left out.
    """

    import_id: str
    type: str | None
    status: str
    person_count: int | None
    failed_records: tuple[FailedRecord, ...] = ()
    failed_record_count: int = 0
    updated_at: str | None = None
    record_set_id: str | None = None
    """The id of the set of all its failed records, if there are more than `failed_records` has, but not too many."""

    @property
    def finished(self) -> bool:
        return self.status in FINISHED


@dataclass(frozen=True, slots=True)
class Read:
    """Rally returned the import."""

    reading: Reading
    record_set: tuple[FailedRecord, ...] = field(default=(), repr=False)
    """All failed records, if the reading has a `record_set_id`."""


class Absence(StrEnum):
    """Why Rally does not show an import, which may still become visible."""

    NOT_FOUND = "not_found"
    FORBIDDEN = "forbidden"


@dataclass(frozen=True, slots=True)
class Absent:
    """Rally's 404 or 403: the import does not exist, or is not visible yet."""

    absence: Absence


@dataclass(frozen=True, slots=True)
class KeyRefused:
    """401: Rally rejected the workspace's API key."""


@dataclass(frozen=True, slots=True)
class OverLimit:
    """429: the workspace's rate limit is exhausted; send nothing for `wait` ms, if Rally gave a time."""

    wait: Span | None


@dataclass(frozen=True, slots=True)
class Unusable:
    """An unusable answer about this import: a 4xx without a special meaning, or a 200 with an unexpected body.

    The connection works, and other imports are not affected.
    """

    reason: str


@dataclass(frozen=True, slots=True)
class Unanswered:
    """A connection fault: no answer, or one that does not come from Rally. It says nothing about the import.

    `wait` (ms) is the Retry-After of a 5xx.
    """

    reason: str
    wait: Span | None = None


ImportAnswer: TypeAlias = Read | Absent | KeyRefused | OverLimit | Unusable | Unanswered


@dataclass(frozen=True, slots=True)
class PollAnswer:
    """When Rally answered a poll, and with which HTTP status; the status is None without a complete answer."""

    at: Moment
    status: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """The answer to one poll, received at `at`, with the rate limit from its headers."""

    import_id: str
    answer: ImportAnswer
    allowance: Allowance | None
    at: Moment
    status: int | None = None
    """Rally's HTTP status; None without a complete answer."""
    header_problem: str | None = None
    """What is invalid about the rate-limit headers, in words; such values are clamped or ignored."""
    sent_at: Moment | None = None
    """When the answer was sent, on the vendor's clock, to the second."""
    malformed_fields: tuple[str, ...] = ()
    """Fields of the import that were not as documented and were left out, each with the JSON type of its value."""
