"""Parsing of imports: id and status are required, all other fields are read as far as they are valid."""

from collections.abc import Iterator, Mapping
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from bridge.domain.imports import FAILED_RECORDS_KEPT, FailedRecord, Read, Reading
from bridge.domain.lone_surrogates import without_lone_surrogates
from bridge.domain.record_sets import LARGEST_SET_KEPT, record_set_id
from bridge.pydantic_findings import findings

MOST_PEOPLE = 2**53
"""The largest number of people: beyond it, some JSON parsers lose precision."""
MOST_DIGITS = 16
LONGEST_TEXT = 500
"""The length to which texts are cut; ids and addresses are shorter."""
MOST_CONTAINERS = 64 * 1024
MOST_ELEMENTS = 128 * 1024
"""Limits of what is parsed: objects and arrays; commas, and escapes. 2 MiB of failed records stay within them; 2 MiB of
brackets would block the event loop for up to 1.5 s. The parser itself limits nesting to 200 levels."""
RECORDS_READ = 1_000
"""The most failed records that are examined one by one, if there are too many to be kept; all are counted."""

KINDS: Mapping[type, str] = {
    type(None): "null",
    bool: "boolean",
    int: "number",
    float: "number",
    str: "string",
    list: "array",
    dict: "object",
}
BYTE_ORDER_MARK = b"\xef\xbb\xbf"


class UnusableBody(Exception):
    """A body without a valid id and status of the import; the text says why."""


class _Fields(BaseModel):
    """The two required fields, validated strictly; all others are accepted as they are."""

    # Only strings of keys are cached: ids and addresses rarely repeat.
    model_config = ConfigDict(strict=True, extra="ignore", cache_strings="keys")

    import_id: Annotated[str, Field(alias="importId")]
    status: str
    type: Any = None
    person_count: Annotated[Any, Field(alias="personCount")] = None
    failed_records: Annotated[Any, Field(alias="failedRecords")] = None
    updated_at: Annotated[Any, Field(alias="updatedAt")] = None


def read_import(body: bytes, import_id: str, *, largest_set: int = LARGEST_SET_KEPT) -> tuple[Read, tuple[str, ...]]:
    """Return the reading and its malformed fields, each with the JSON type of its value; raise UnusableBody.

    If there are more failed records than a reading has, up to `largest_set` of them, all are returned with it.
    """
    fields = _parse(body)
    if fields.import_id != import_id:
        raise UnusableBody("the answer is about another import")
    records = fields.failed_records if isinstance(fields.failed_records, list) else []
    as_set = FAILED_RECORDS_KEPT < len(records) <= largest_set
    examined = records if as_set else records[:RECORDS_READ]
    named = tuple(record for record in map(_failed_record, examined) if record is not None)
    reading = Reading(
        import_id=import_id,
        type=_text(fields.type),
        status=fields.status[:LONGEST_TEXT],
        person_count=_count(fields.person_count),
        failed_records=named[:FAILED_RECORDS_KEPT],
        failed_record_count=len(records),
        updated_at=_text(fields.updated_at),
        record_set_id=record_set_id(named) if as_set else None,
    )
    return Read(reading, named if as_set else ()), tuple(_malformed_fields(fields))


def _parse(body: bytes) -> _Fields:
    body = body.removeprefix(BYTE_ORDER_MARK)
    if has_too_many_parts(body):
        raise UnusableBody("the answer has too many parts to be that of an import")
    try:
        return _Fields.model_validate_json(body)
    except ValidationError as error:
        if not _is_broken(error):
            raise UnusableBody(_complaint(error)) from None
    try:
        return _Fields.model_validate_json(without_lone_surrogates(body.decode("utf-8", "replace")))
    except ValidationError as error:
        raise UnusableBody(_complaint(error)) from None


def has_too_many_parts(body: bytes) -> bool:
    """Return whether a body has too many containers or elements, by brackets, commas and escapes, also in strings."""
    containers = body.count(b"{") + body.count(b"[")
    return containers > MOST_CONTAINERS or body.count(b",") > MOST_ELEMENTS or body.count(b"\\u") > MOST_ELEMENTS


def _is_broken(error: ValidationError) -> bool:
    return findings(error)[0]["type"] == "json_invalid"


def _complaint(error: ValidationError) -> str:
    if _is_broken(error):
        return "the answer is not JSON"
    found = findings(error)[0]
    field = next((part for part in found["loc"] if isinstance(part, str)), None)
    return f"the answer's {field} is not as documented" if field else "the answer is not an import"


def _text(value: Any) -> str | None:
    return value[:LONGEST_TEXT] if isinstance(value, str) else None


def _count(value: Any) -> int | None:
    """Return a whole number, also if it is written as text or with a decimal point; else None."""
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= MOST_DIGITS:
        value = int(value)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    is_number = isinstance(value, int) and not isinstance(value, bool)
    return value if is_number and 0 <= value <= MOST_PEOPLE else None


def _failed_record(value: Any) -> FailedRecord | None:
    """Return the person of a record; None if it has neither id nor address (it is counted nevertheless)."""
    if not isinstance(value, dict):
        return None
    person_id, email = value.get("personId"), value.get("email")
    if isinstance(person_id, int) and _count(person_id) is not None:
        person_id = str(person_id)
    record = FailedRecord(person_id=_text(person_id), email=_text(email))
    return None if record.person_id is None and record.email is None else record


def _malformed_fields(fields: _Fields) -> Iterator[str]:
    """Yield the fields that are not as documented; failedRecords and updatedAt may be missing or null."""
    if not isinstance(fields.type, str):
        yield _described("type", fields.type)
    if not isinstance(fields.person_count, int) or _count(fields.person_count) is None:
        yield _described("personCount", fields.person_count)
    if fields.updated_at is not None and not isinstance(fields.updated_at, str):
        yield _described("updatedAt", fields.updated_at)
    if isinstance(fields.failed_records, list):
        yield from sorted(
            {
                _described("failedRecords[]", each)
                for each in fields.failed_records[:RECORDS_READ]
                if _is_malformed(each)
            }
        )
    elif fields.failed_records is not None:
        yield _described("failedRecords", fields.failed_records)


def _is_malformed(record: Any) -> bool:
    if not isinstance(record, dict):
        return True
    return not all(isinstance(record.get(name), str | None) for name in ("personId", "email"))


def _described(field: str, value: Any) -> str:
    return f"{field}: {KINDS[type(value)]}"
