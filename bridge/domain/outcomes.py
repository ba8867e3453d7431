"""Outcomes of watches, and which readings end an import."""

from enum import StrEnum

from bridge.domain.imports import Reading


class Outcome(StrEnum):
    """How a watch ended."""

    COMPLETED = "completed"
    COMPLETED_WITH_FAILURES = "completed_with_failures"
    FAILED = "failed"
    NOT_FOUND = "not_found"
    FORBIDDEN = "forbidden"
    TIMED_OUT = "timed_out"


def outcome_of(reading: Reading) -> Outcome | None:
    """Return the outcome of a reading; None while the import is not finished.

    COMPLETED does not mean that all records were imported: Rally's own example has failed records.

    Source: https://docs.rallyuxr.com/api-reference/imports/gets-an-import-by-id
    """
    match reading.status:
        case "COMPLETED" if reading.failed_record_count:
            return Outcome.COMPLETED_WITH_FAILURES
        case "COMPLETED":
            return Outcome.COMPLETED
        case "ERROR":
            return Outcome.FAILED
        case _:
            return None


def warning_of(reading: Reading | None) -> str | None:
    """Return a sentence about an import that completed without importing anybody; None if nothing is suspicious."""
    if reading is None or reading.status != "COMPLETED" or reading.person_count != 0:
        return None
    match reading.failed_record_count:
        case 0:
            return "Rally reports success, but nobody was imported"
        case 1:
            return "Nobody was imported: the only record failed"
        case failed:
            return f"Nobody was imported: all {failed:,} records failed"
