"""What each answer of Rally means: any status, headers and bytes end in a row of one table, never in an exception."""

from collections.abc import Iterable
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from bridge.domain.imports import (
    FAILED_RECORDS_KEPT,
    Absence,
    Absent,
    Answer,
    FailedRecord,
    KeyRefused,
    OverLimit,
    Read,
    Reading,
    Reply,
    Unanswered,
)
from bridge.domain.times import Moment
from bridge.rally.headers import Headers, allowance_of, date_of, oddity_of, retry_after_of, single

MOST_PEOPLE = 2**53
"""Beyond it not every reader of JSON keeps whole numbers apart, and thousands of digits fit into no message."""


_TOLERANT = ConfigDict(strict=True, extra="ignore", cache_strings="keys")
"""Of the strings only the keys are kept for the next answer: ids and addresses hardly ever come twice."""


class _FailedRecordBody(BaseModel):
    """Named by `personId`, `email`, or both; one that has neither still counts."""

    model_config = _TOLERANT

    person_id: Annotated[str | None, Field(alias="personId")] = None
    email: str | None = None


class _ImportBody(BaseModel):
    """The import as documented; tolerant of what older pages leave out and newer ones add."""

    model_config = _TOLERANT

    import_id: Annotated[str, Field(alias="importId")]
    type: str
    status: str
    person_count: Annotated[int, Field(alias="personCount", ge=0, le=MOST_PEOPLE)]
    failed_records: Annotated[list[_FailedRecordBody] | None, Field(alias="failedRecords")] = None
    updated_at: Annotated[str | None, Field(alias="updatedAt")] = None


def decipher(*, status: int, headers: Iterable[tuple[str, str]], body: bytes, import_id: str, at: Moment) -> Reply:
    """Make values of an answer that was received at `at`."""
    pairs = list(headers)
    known = single(pairs)
    answer = _answer(status, known, body, import_id, at)
    if isinstance(answer, Read) and _is_encoded(pairs):
        answer = Unanswered("the answer says that it is compressed")
    return Reply(
        answer=answer,
        allowance=allowance_of(known, at),
        at=at,
        oddity=oddity_of(pairs, known, at),
        dated=date_of(known),
    )


def unanswered(reason: str, at: Moment) -> Reply:
    return Reply(answer=Unanswered(reason), allowance=None, at=at)


def _answer(status: int, headers: Headers, body: bytes, import_id: str, at: Moment) -> Answer:
    match status:
        case 200:
            return _reading(body, import_id)
        case 401:
            return KeyRefused()
        case 403:
            return Absent(Absence.FORBIDDEN)
        case 404:
            return Absent(Absence.NOT_FOUND)
        case 429:
            return OverLimit(retry_after_of(headers, at))
        case _:
            return Unanswered(f"HTTP {status}")


def _is_encoded(pairs: Iterable[tuple[str, str]]) -> bool:
    """Tell whether an answer claims to be compressed, though nobody asked for it: then it is none that can be read."""
    return any(name.lower() == "content-encoding" and value.strip().lower() != "identity" for name, value in pairs)


def _reading(body: bytes, import_id: str) -> Answer:
    try:
        parsed = _ImportBody.model_validate_json(body)
    except ValidationError as error:
        return Unanswered(_complaint(error.errors(include_input=False, include_url=False)[0]))
    if parsed.import_id != import_id:
        return Unanswered("the answer is about another import")
    records = parsed.failed_records or []
    named = [record for record in records if record.person_id is not None or record.email is not None]
    return Read(
        Reading(
            import_id=import_id,
            type=parsed.type,
            status=parsed.status,
            person_count=parsed.person_count,
            failed_records=tuple(
                FailedRecord(person_id=record.person_id, email=record.email) for record in named[:FAILED_RECORDS_KEPT]
            ),
            failed_record_count=len(records),
            updated_at=parsed.updated_at,
        )
    )


def _complaint(found: Any) -> str:
    if found["type"] == "json_invalid":
        return "the answer is not JSON"
    field = next((part for part in found["loc"] if isinstance(part, str)), None)
    return f"the answer's {field} is not as documented" if field else "the answer is not an import"
