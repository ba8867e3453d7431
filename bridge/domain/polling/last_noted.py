"""The last reading of an import that was noted for the histories of its watches."""

import hashlib
from dataclasses import dataclass

from bridge.domain.imports import Reading
from bridge.domain.times import Moment


@dataclass(frozen=True, slots=True, kw_only=True)
class LastNoted:
    """The last note about a reading: enough to decide whether the next reading is worth one."""

    at: Moment
    first_at: Moment
    status: str
    """A digest of the status."""
    counts: str

    @classmethod
    def of(cls, reading: Reading, at: Moment, before: "LastNoted | None") -> "LastNoted":
        status = hashlib.sha256(reading.status.encode("utf-8", "surrogatepass")).hexdigest()[:8]
        first_at = at if before is None else before.first_at
        return cls(at=at, first_at=first_at, status=status, counts="/".join(counts_of(reading)))


def counts_of(reading: Reading) -> tuple[str, str]:
    """Return the number of people, empty if it is unknown, and the number of failed records."""
    people = "" if reading.person_count is None else str(reading.person_count)
    return people, str(reading.failed_record_count)
