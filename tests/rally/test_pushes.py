"""Parsing of pushes: lenient about everything but the event and the id of the import."""

import json
from typing import Any

import pytest

from bridge.domain.rules.pushes import API_FINISHED, CSV_FINISHED, Push
from bridge.rally.pushes import NotAPush, read_push
from tests.support.samples import NOW

FIELDS: dict[str, Any] = {
    "_eventType": CSV_FINISHED,
    "importId": "imp",
    "status": "COMPLETED",
    "updatedAt": "2027-01-15T08:00:00.000Z",
    "failedRecords": [{"personId": "per_1"}, {"email": "jane@example.com"}],
}


def read(body: bytes) -> Push | None:
    return read_push(body, workspace="eu", message_id="msg_1")


def push(**changes: Any) -> Push:
    found = read(
        json.dumps({name: value for name, value in (FIELDS | changes).items() if value != "LEFT OUT"}).encode()
    )
    assert found is not None
    return found


def test_a_documented_push_is_read_without_its_addresses() -> None:
    assert push() == Push(
        message_id="msg_1",
        event=CSV_FINISHED,
        workspace="eu",
        import_id="imp",
        status="COMPLETED",
        failed_record_count=2,
        updated_at=NOW,
    )
    assert "jane" not in repr(push())
    assert push(_eventType=API_FINISHED).event == API_FINISHED


@pytest.mark.parametrize(
    ("changes", "status", "failed", "updated_at"),
    [
        ({"failedRecords": None}, "COMPLETED", 0, NOW),
        ({"failedRecords": []}, "COMPLETED", 0, NOW),
        ({"failedRecords": "LEFT OUT"}, "COMPLETED", None, NOW),
        ({"failedRecords": 3}, "COMPLETED", None, NOW),
        ({"failedRecords": {"email": "x"}}, "COMPLETED", None, NOW),
        ({"failedRecords": [1, None, [], "x"]}, "COMPLETED", 4, NOW),
        ({"status": "LEFT OUT"}, None, 2, NOW),
        ({"status": None}, None, 2, NOW),
        ({"status": "completed"}, None, 2, NOW),
        ({"status": ["ERROR"]}, None, 2, NOW),
        ({"status": {"a": 1}}, None, 2, NOW),
        ({"status": "UPLOADING"}, "UPLOADING", 2, NOW),
        ({"updatedAt": "LEFT OUT"}, "COMPLETED", 2, None),
        ({"updatedAt": None}, "COMPLETED", 2, None),
        ({"updatedAt": 1_800_000_000}, "COMPLETED", 2, None),
        ({"updatedAt": "yesterday"}, "COMPLETED", 2, None),
        ({"updatedAt": "9" * 100_000}, "COMPLETED", 2, None),
        ({"updatedAt": "9999-12-31T23:59:59-23:59"}, "COMPLETED", 2, 253_402_387_139_000),
        ({"updatedAt": "0001-01-01T00:00:00+23:59"}, "COMPLETED", 2, None),
        ({"more": {"deep": [1]}, "type": "CSV"}, "COMPLETED", 2, NOW),
    ],
)
def test_odd_secondary_fields_are_tolerated(
    changes: dict[str, Any], status: str | None, failed: int | None, updated_at: int | None
) -> None:
    found = push(**changes)

    assert (found.import_id, found.status, found.failed_record_count, found.updated_at) == (
        "imp",
        status,
        failed,
        updated_at,
    )


@pytest.mark.parametrize(
    "body",
    [
        b"\xef\xbb\xbf" + json.dumps(FIELDS).encode(),
        json.dumps({**FIELDS, "failedRecords": [{"email": "\ud83d"}, {"email": "\ude00"}]}).encode(),
        json.dumps({**FIELDS, "status": "COMPLETED"}, indent=9).encode(),
        b'{"importId": 1, "importId": "imp", "_eventType": "person_import.csv.finished", "failedRecords": [{}, NaN]}',
    ],
)
def test_bytes_that_are_slightly_off_are_read(body: bytes) -> None:
    found = read(body)

    assert found is not None
    assert (found.import_id, found.failed_record_count) == ("imp", 2)


@pytest.mark.parametrize(
    "body",
    [
        b"{}",
        b'{"importId": 7}',
        b'{"_eventType": null, "importId": 7}',
        b'{"_eventType": ["person_import.csv.finished"]}',
        b'{"_eventType": "person_import.csv.Finished"}',
        b'{"_eventType": "person.opted_out", "email": "jane@example.com"}',
        b'{"_eventType": "participant.status_changed"}',
    ],
)
def test_another_event_is_no_push_about_an_import(body: bytes) -> None:
    assert read(body) is None


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"", "not JSON"),
        (b"hello", "not JSON"),
        (b'{"_eventType": "person_import.csv.finished", ', "not JSON"),
        (json.dumps(FIELDS).encode() + b"x", "not JSON"),
        (b'{"a": ' + b"1" * 5_000 + b"}", "not JSON"),
        (b'{"a": ' * 5_000 + b"1" + b"}" * 5_000, "not JSON"),
        (b'{"importId": "\xff"}', "not UTF-8"),
        ("{}".encode("utf-16"), "not UTF-8"),
        (b"[]", "not a JSON object"),
        (b'"imp"', "not a JSON object"),
        (b"null", "not a JSON object"),
        (b"[" + b"[]," * 100_000 + b"[]]", "too many parts"),
        (b'{"_eventType": "person_import.csv.finished"}', "the importId is not a string"),
        (b'{"_eventType": "person_import.api.finished", "importId": null}', "the importId is not a string"),
        (b'{"_eventType": "person_import.csv.finished", "importId": ["jane@example.com"]}', "the importId is not a"),
    ],
)
def test_what_rally_never_sends_is_refused_without_repeating_it(body: bytes, why: str) -> None:
    with pytest.raises(NotAPush, match=why) as refused:
        read(body)

    assert "jane" not in str(refused.value)
    assert refused.value.__context__ is None or refused.value.__suppress_context__
