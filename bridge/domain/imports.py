"""An import as read at one moment, and what Rally may answer when asked for it."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeAlias

from bridge.domain.times import Moment, Span

FINISHED = frozenset({"COMPLETED", "ERROR"})
"""The vendor's statuses that end an import; any other, also one we never heard of, means "not finished"."""

KNOWN_STATUSES = FINISHED | {"NOT_STARTED", "UPLOADING"}

FAILED_RECORDS_KEPT = 100
"""A reading keeps this many failed records, and the number of all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FailedRecord:
    """A person that Rally could not import: named by a person id, an e-mail address, or both."""

    person_id: str | None = None
    email: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What Rally said of an import at one moment; `type`, `status` and `updated_at` are the vendor's own words.

    Its id and its status decide; whatever else made no sense in Rally's answer is None, or left out.
    """

    import_id: str
    type: str | None
    status: str
    person_count: int | None
    failed_records: tuple[FailedRecord, ...] = ()
    failed_record_count: int = 0
    updated_at: str | None = None

    @property
    def finished(self) -> bool:
        return self.status in FINISHED


@dataclass(frozen=True, slots=True)
class Read:
    """Rally showed us the import."""

    reading: Reading


class Absence(StrEnum):
    """Why Rally shows no such import: it may still become visible."""

    NOT_FOUND = "not_found"
    FORBIDDEN = "forbidden"


@dataclass(frozen=True, slots=True)
class Absent:
    """404 or 403: perhaps not visible yet."""

    absence: Absence


@dataclass(frozen=True, slots=True)
class KeyRefused:
    """401: the workspace's key is refused."""


@dataclass(frozen=True, slots=True)
class OverLimit:
    """429: the workspace's rate limit is used up; ask nothing for `wait` (ms), where Rally named a time."""

    wait: Span | None


@dataclass(frozen=True, slots=True)
class Unusable:
    """An answer about this import that cannot be used: a 4xx without a meaning of its own, or a 200 of another shape.

    The line works, and other imports are not affected.
    """

    reason: str


@dataclass(frozen=True, slots=True)
class Unanswered:
    """The line is at fault: no answer, or one that does not come from Rally. Says nothing about the import.

    `wait` (ms) is how long a 5xx asked to be left alone for.
    """

    reason: str
    wait: Span | None = None


ImportAnswer: TypeAlias = Read | Absent | KeyRefused | OverLimit | Unusable | Unanswered


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowance:
    """What the rate-limit headers of one answer say: `resets_in` ms from when it was sent, on the vendor's clock."""

    limit: int
    remaining: int
    resets_in: Span


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """One answer of Rally to a question about an import, with what its headers allow, received at `at`."""

    import_id: str
    answer: ImportAnswer
    allowance: Allowance | None
    at: Moment
    header_problem: str | None = None
    """What is absurd about its rate-limit headers, in words; they were clamped or left out."""
    sent_at: Moment | None = None
    """When it was sent, by the vendor's own clock, to the second."""
    malformed_fields: tuple[str, ...] = ()
    """Fields of the import that were not as documented and were left out, with the kind of their value."""
