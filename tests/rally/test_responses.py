"""What each response of Rally means."""

import asyncio
import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.domain.imports import (
    Absence,
    Absent,
    FailedRecord,
    ImportAnswer,
    KeyRefused,
    OverLimit,
    Read,
    Reading,
    Reply,
    Unanswered,
    Unusable,
)
from bridge.domain.polling.allowance import Allowance
from bridge.domain.polling.budget import LONGEST_RALLY_PAUSE
from bridge.domain.record_sets import record_set_id
from bridge.domain.times import SECOND
from bridge.rally import decipher
from bridge.rally.responses import unanswered
from tests.support.rally_responses import GOOD, answer
from tests.support.samples import DATE, NOW

READ_WHOLE = Reading(
    import_id="imp",
    type="CSV",
    status="COMPLETED",
    person_count=7,
    failed_records=(
        FailedRecord(person_id="p1"),
        FailedRecord(email="jane@example.com"),
        FailedRecord(person_id="p2", email="x@example.com"),
    ),
    failed_record_count=3,
    updated_at="2027-01-15T08:00:00Z",
)


def without(field: str) -> dict[str, Any]:
    return {name: value for name, value in GOOD.items() if name != field}


def test_every_field_of_an_import_is_read() -> None:
    assert answer().answer == Read(READ_WHOLE)
    assert answer().malformed_fields == ()


@pytest.mark.parametrize(
    ("body", "status", "failed"),
    [
        (without("failedRecords"), "COMPLETED", 0),
        ({**GOOD, "failedRecords": None}, "COMPLETED", 0),
        ({**GOOD, "failedRecords": []}, "COMPLETED", 0),
        ({**GOOD, "failedRecords": [{}]}, "COMPLETED", 1),
        ({**GOOD, "failedRecords": [{"personId": "p"}] * 5000}, "COMPLETED", 5000),
        ({**GOOD, "status": "A_STATUS_OF_TOMORROW"}, "A_STATUS_OF_TOMORROW", 3),
        ({**GOOD, "type": "A_TYPE_OF_TOMORROW", "more": {"un": "known"}}, "COMPLETED", 3),
        (without("updatedAt"), "COMPLETED", 3),
    ],
)
def test_undocumented_differences_are_tolerated(body: dict[str, Any], status: str, failed: int) -> None:
    read = answer(body=body).answer

    assert isinstance(read, Read)
    assert (read.reading.status, read.reading.failed_record_count) == (status, failed)
    assert len(read.reading.failed_records) <= 100


@pytest.mark.parametrize(
    ("count", "largest_set", "kept"),
    [
        (0, 10_000, 0),
        (100, 10_000, 0),
        (101, 10_000, 101),
        (10_000, 10_000, 10_000),
        (10_001, 10_000, 0),
        (10_001, 99_999, 10_001),
    ],
)
def test_all_failed_records_are_returned_if_the_reading_has_only_some_and_they_are_not_too_many(
    count: int, largest_set: int, kept: int
) -> None:
    records = [{"email": f"p{number}@example.com"} for number in range(count)]
    body = json.dumps({**GOOD, "failedRecords": records}).encode()
    read = decipher(status=200, headers=(), body=body, import_id="imp", at=NOW, largest_set=largest_set).answer

    assert isinstance(read, Read)
    assert (read.reading.failed_record_count, len(read.reading.failed_records)) == (count, min(count, 100))
    assert [{"email": record.email} for record in read.record_set] == (records if kept else [])
    assert read.reading.record_set_id == (record_set_id(read.record_set) if kept else None)


def test_records_without_id_and_address_are_counted_but_not_in_the_set() -> None:
    read = answer(body={**GOOD, "failedRecords": [{}, {"personId": "p"}, 17] * 100}).answer

    assert isinstance(read, Read)
    assert (read.reading.failed_record_count, len(read.record_set)) == (300, 100)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b"", "not JSON"),
        (b"<html>", "not JSON"),
        (b"\xff\xfe", "not JSON"),
        (b"null", "not an import"),
        (b"[]", "not an import"),
        (b'"imp"', "not an import"),
        ({**GOOD, "importId": "other"}, "another import"),
        (without("importId"), "importId"),
        (without("status"), "status"),
        ({**GOOD, "status": None}, "status"),
    ],
)
def test_a_body_without_the_requested_import_is_unusable(body: Any, expected: str) -> None:
    found = answer(body=body).answer

    assert isinstance(found, Unusable)
    assert expected in found.reason


@pytest.mark.parametrize(
    ("field", "value", "changes", "malformed"),
    [
        ("personCount", "120", {"person_count": 120}, ("personCount: string",)),
        ("personCount", 120.0, {"person_count": 120}, ("personCount: number",)),
        ("personCount", 7.5, {"person_count": None}, ("personCount: number",)),
        ("personCount", True, {"person_count": None}, ("personCount: boolean",)),
        ("personCount", -1, {"person_count": None}, ("personCount: number",)),
        ("personCount", "many", {"person_count": None}, ("personCount: string",)),
        ("personCount", "9" * 17, {"person_count": None}, ("personCount: string",)),
        ("personCount", None, {"person_count": None}, ("personCount: null",)),
        ("type", None, {"type": None}, ("type: null",)),
        ("type", ["CSV"], {"type": None}, ("type: array",)),
        ("updatedAt", 1_800_000_000, {"updated_at": None}, ("updatedAt: number",)),
        ("failedRecords", {"a": 1}, {"failed_records": (), "failed_record_count": 0}, ("failedRecords: object",)),
        ("failedRecords", [None], {"failed_records": (), "failed_record_count": 1}, ("failedRecords[]: null",)),
        (
            "failedRecords",
            ["jane@example.com", "x@example.com"],
            {"failed_records": (), "failed_record_count": 2},
            ("failedRecords[]: string",),
        ),
        (
            "failedRecords",
            [{"personId": 17}, {"personId": "p", "email": []}],
            {"failed_records": (FailedRecord(person_id="17"), FailedRecord(person_id="p")), "failed_record_count": 2},
            ("failedRecords[]: object",),
        ),
    ],
)
def test_an_invalid_optional_field_is_read_as_far_as_it_is_valid(
    field: str, value: Any, changes: dict[str, Any], malformed: tuple[str, ...]
) -> None:
    reply = answer(body={**GOOD, field: value})

    assert reply.answer == Read(replace(READ_WHOLE, **changes))
    assert reply.malformed_fields == malformed


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"", b"\xef\xbb\xbf"),
        (b"jane@example.com", b"j\\ud83d@example.com"),
        (b"jane@example.com", b"j\\udc00@example.com"),
        (b"jane@example.com", b"j\xff@example.com"),
    ],
)
def test_invalid_bytes_in_a_body_do_not_hide_the_status(old: bytes, new: bytes) -> None:
    found = answer(body=json.dumps(GOOD).encode().replace(old, new, 1)).answer

    assert isinstance(found, Read)
    assert (found.reading.status, found.reading.failed_record_count) == ("COMPLETED", 3)


def test_surrogate_pairs_stay_whole_next_to_a_lone_surrogate() -> None:
    body = json.dumps({**GOOD, "type": "a\U0001f600", "updatedAt": "\ud83d"}).encode()
    found = answer(body=body).answer

    assert isinstance(found, Read)
    assert (found.reading.type, found.reading.updated_at) == ("a\U0001f600", "\ufffd")


@pytest.mark.parametrize(
    ("name", "value", "read"),
    [
        ("Content-Encoding", "gzip", False),
        ("content-encoding", "br, identity", False),
        ("CONTENT-ENCODING", "Identity ", True),
        ("Content-Language", "en", True),
    ],
)
def test_an_answer_that_claims_to_be_compressed_is_unusable(name: str, value: str, *, read: bool) -> None:
    found = answer(headers={name: value}).answer

    assert isinstance(found, Read) == read
    assert read or found == Unusable("the answer says that it is compressed")


@pytest.mark.parametrize(
    ("status", "found"),
    [
        (401, KeyRefused()),
        (403, Absent(Absence.FORBIDDEN)),
        (404, Absent(Absence.NOT_FOUND)),
        (429, OverLimit(None)),
        *[(status, Unusable(f"HTTP {status}")) for status in (201, 204, 206, 400, 405, 410, 418, 422, 451)],
        *[(status, Unanswered(f"HTTP {status}")) for status in (301, 302, 408, 425, 500, 502, 503, 504, 599)],
    ],
)
def test_each_status_has_its_meaning(status: int, found: ImportAnswer) -> None:
    assert answer(status, b"Some plain text").answer == found


@pytest.mark.parametrize("status", [403, 404])
@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("text/html; charset=utf-8", b""),
        ("TEXT/HTML", b"Not Found"),
        ("application/xhtml+xml", b"Not Found"),
        ("text/plain", b"\n<!DOCTYPE html><title>404</title>"),
        ("", b"<html>"),
        ("", b"\xef\xbb\xbf<!DOCTYPE html>"),
        ("", b"\n" * 100 + b"<html>"),
    ],
)
def test_an_html_page_is_a_connection_fault(status: int, content_type: str, body: bytes) -> None:
    found = answer(status, body, {"Content-Type": content_type}).answer

    assert found == Unanswered(f"HTTP {status} with a page of HTML, which Rally does not send")


@pytest.mark.parametrize("content_type", ["text/plain", "application/json", ""])
def test_a_404_that_is_not_html_is_rallys_own(content_type: str) -> None:
    headers = {"Content-Type": content_type} if content_type else {}

    assert answer(404, b"Import not found", headers).answer == Absent(Absence.NOT_FOUND)


def limits(limit: str = "100", remaining: str = "99", reset: str = "1800000060", **more: str) -> dict[str, str]:
    named = {"X-RateLimit-Limit": limit, "X-RateLimit-Remaining": remaining, "X-RateLimit-Reset": reset}
    return named | {name.replace("_", "-"): value for name, value in more.items()}


@pytest.mark.parametrize(
    ("headers", "allowance"),
    [
        (limits(), Allowance(limit=100, remaining=99, resets_in=60 * SECOND)),
        (limits(Date="Fri, 15 Jan 2027 07:59:30 GMT"), Allowance(limit=100, remaining=99, resets_in=90 * SECOND)),
        (limits(reset="1800000060000"), Allowance(limit=100, remaining=99, resets_in=60 * SECOND)),
        (limits(reset="0"), Allowance(limit=100, remaining=99, resets_in=0)),
        (limits(reset="-2147483648"), Allowance(limit=100, remaining=99, resets_in=0)),
        (limits(reset="4070908800"), Allowance(limit=100, remaining=99, resets_in=LONGEST_RALLY_PAUSE)),
        (limits(remaining="-5"), Allowance(limit=100, remaining=0, resets_in=60 * SECOND)),
        (limits(remaining="500"), Allowance(limit=100, remaining=100, resets_in=60 * SECOND)),
        (limits(limit="0"), None),
        (limits(limit="-2147483648"), None),
        (limits(limit="inf"), None),
        (limits(limit="100, 200"), None),
        (limits(remaining="many"), None),
        (limits(reset="tomorrow"), None),
        (limits(reset="１８００００００６０"), None),
        (limits(reset="1e10"), None),
        (limits(limit="9" * 400), None),
        ({"X-RateLimit-Limit": "100"}, None),
        ({}, None),
    ],
)
def test_rate_limit_headers_become_numbers_within_bounds_or_nothing(
    headers: dict[str, str], allowance: Allowance | None
) -> None:
    assert answer(headers=headers).allowance == allowance


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        (limits(), None),
        ({}, None),
        (limits(reset="1799999999"), None),
        ({"X-RateLimit-Limit": "100"}, "missing"),
        (limits(limit="inf"), "x-ratelimit-limit not a single whole number"),
        (limits(limit="0"), "not between"),
        (limits(remaining="-1"), "not between"),
        (limits(remaining="101"), "not between"),
        (limits(reset="0"), "not within the next hour"),
        (limits(reset="4070908800"), "not within the next hour"),
    ],
)
def test_the_problem_of_the_headers_is_named(headers: dict[str, str], expected: str | None) -> None:
    problem = answer(headers=headers).header_problem

    assert (problem is None) if expected is None else (expected in (problem or ""))


def test_a_repeated_header_is_ignored() -> None:
    twice = [*limits().items(), ("x-ratelimit-limit", "5")]

    assert decipher(status=200, headers=twice, body=b"", import_id="imp", at=NOW).allowance is None


@pytest.mark.parametrize(
    ("value", "wait"),
    [
        ("30", 30 * SECOND),
        ("0", 0),
        ("-5", 0),
        ("99999999999", LONGEST_RALLY_PAUSE),
        ("Fri, 15 Jan 2027 08:00:30 GMT", 30 * SECOND),
        ("Friday, 15-Jan-27 08:00:30 GMT", 30 * SECOND),
        ("Fri Jan 15 08:00:30 2027", 30 * SECOND),
        ("Thu, 01 Jan 1970 00:00:00 GMT", 0),
        ("Fri, 31 Dec 2099 00:00:00 GMT", LONGEST_RALLY_PAUSE),
        ("soon", None),
        ("inf", None),
        ("1e300", None),
        ("", None),
    ],
)
def test_a_retry_after_is_a_span_within_bounds_or_nothing(value: str, wait: int | None) -> None:
    assert answer(429, b"", {"Retry-After": value, "Date": DATE}).answer == OverLimit(wait)


HEADER = st.sampled_from(
    ["X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset", "Retry-After", "Date", "Content-Type"]
)
VALUE = st.text(max_size=30) | st.integers().map(str) | st.floats().map(str) | st.datetimes().map(str)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from([*GOOD, "email"]), inner, max_size=6),
    max_leaves=15,
)


@given(
    status=st.sampled_from([200, 401, 403, 404, 429, 500]) | st.integers(100, 599),
    headers=st.lists(st.tuples(HEADER, VALUE), max_size=8),
    body=st.binary(max_size=80) | JSON.map(json.dumps).map(str.encode) | st.just(json.dumps(GOOD).encode()),
)
def test_any_answer_ends_in_a_row_of_the_table(status: int, headers: list[tuple[str, str]], body: bytes) -> None:
    reply = decipher(status=status, headers=headers, body=body, import_id="imp", at=NOW)

    match reply.answer:
        case OverLimit(wait):
            assert status == 429
            assert wait is None or 0 <= wait <= LONGEST_RALLY_PAUSE
        case Read(reading):
            assert status == 200
            assert reading.import_id == "imp"
        case Unusable(reason) | Unanswered(reason):
            assert reason
    if reply.allowance is not None:
        assert 0 <= reply.allowance.remaining <= reply.allowance.limit
        assert 0 <= reply.allowance.resets_in <= LONGEST_RALLY_PAUSE


async def reset(writer: asyncio.StreamWriter) -> None:
    writer.transport.abort()


def test_a_reply_has_the_time_of_its_arrival() -> None:
    late = {"retry-after": "Fri, 15 Jan 2027 08:00:30 GMT"}

    reply = decipher(status=429, headers=list(late.items()), body=b"", import_id="imp", at=NOW)

    assert reply == Reply(import_id="imp", answer=OverLimit(30 * SECOND), allowance=None, at=NOW, status=429)
    assert unanswered("x", "imp", NOW) == Reply(import_id="imp", answer=Unanswered("x"), allowance=None, at=NOW)


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"<", "the answer is not JSON"),
        (b"[]", "the answer is not an import"),
        (b'{"importId":"other","type":"","status":"","personCount":0}', "the answer is about another import"),
        (b'{"importId":"imp","type":"","status":7,"personCount":0}', "the answer's status is not as documented"),
    ],
)
def test_each_unusable_answer_has_its_reason(body: bytes, reason: str) -> None:
    assert decipher(status=200, headers=[], body=body, import_id="imp", at=NOW).answer == Unusable(reason)


def test_a_reply_has_the_date_of_the_response() -> None:
    dated = decipher(status=404, headers=[("Date", DATE)], body=b"", import_id="imp", at=NOW + SECOND)

    assert dated.sent_at == NOW
    assert decipher(status=404, headers=[], body=b"", import_id="imp", at=NOW).sent_at is None


@pytest.mark.parametrize(("people", "read"), [(2**53, True), (2**53 + 1, False), (10**4_000, False)])
def test_too_large_a_number_of_people_is_left_out(people: int, read: bool) -> None:  # noqa: FBT001 - a table
    body = json.dumps({"importId": "imp", "type": "CSV", "status": "COMPLETED", "personCount": people}).encode()

    answer = decipher(status=200, headers=[], body=body, import_id="imp", at=0).answer

    assert isinstance(answer, Read)
    assert answer.reading.person_count == (people if read else None)
