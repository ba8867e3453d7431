"""Callbacks: the requests conform to Standard Webhooks, and the body always fits."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from importlib import import_module

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks import Webhook

from bridge.destinations import Sender, callback, prepare, render
from bridge.destinations.callback import BODY_LIMIT, header_problem
from bridge.destinations.callback_signing import (
    Signing,
    derived_secret,
)
from bridge.domain.conclusions import Conclusion
from bridge.domain.destinations import Callback
from bridge.domain.imports import (
    FailedRecord,
    Reading,
)
from bridge.domain.notifications import Notification, build_notification
from bridge.domain.outcomes import Outcome
from bridge.domain.secret import Secret
from bridge.domain.times import SECOND
from tests.support import samples

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
OLDER = "whsec_" + "b2xkZXItb2xkZXItb2xkZXItb2xkZXIh"
CALLBACK = Callback(url=Secret("https://crm.example.com/hook"))
READING = Reading(
    import_id="imp_1", type="CSV", status="COMPLETED", person_count=120, updated_at="2026-11-24T03:37:39.000Z"
)
NOTIFICATION = Notification(
    id="ntf_1",
    type="import.completed",
    at=1_764_000_000_000,
    client="crm",
    watch_id="wat_1",
    workspace="default",
    import_id="imp_1",
    outcome=Outcome.COMPLETED,
    reason=None,
    label="Q4 panel upload",
    metadata={"ticket": "RES-12"},
    reading=READING,
)
ED25519 = "whsk_6Xb/dCcHpPea21PS1N9VY/NZW723CEc77N4rJCubMbfVKIDij2HKpMKkioLlX0dRqSKJp4AJ6p9lMicMFs6Kvg=="


@pytest.mark.parametrize("library", ["standardwebhooks", "svix"])
def test_verifiers_that_know_only_shared_secrets_accept_a_message_with_both_signatures(library: str) -> None:
    verifier = import_module(library).Webhook  # the import of svix takes a quarter of a second
    signing = Signing((Secret(SECRET),), (Secret(ED25519),))
    callback = replace(CALLBACK, secret=Secret(SECRET))
    headers = headers_of(callback, signing, body='{"a":1}')

    verifier(SECRET).verify('{"a":1}', headers)
    with pytest.raises(Exception, match="No matching signature"):
        verifier(SECRET).verify('{"a":2}', headers)


def headers_of(callback: Callback, signing: Signing, *, body: str = "{}", client: str = "crm") -> dict[str, str]:
    now = int(datetime.now(UTC).timestamp() * SECOND)  # the verifier looks at the clock
    return dict(
        prepare(
            callback, body, notification_id="ntf_1", client=client, now=now, sender=Sender(signing=signing)
        ).headers,
    )


def test_other_libraries_accept_the_message() -> None:
    signing = Signing((Secret(SECRET),))

    headers = headers_of(CALLBACK, signing, body='{"é":1}')

    Webhook(derived_secret(SECRET, "crm")).verify('{"é":1}', headers)


def test_during_a_rotation_each_secret_verifies() -> None:
    signing = Signing((Secret(SECRET), Secret(OLDER)))

    headers = headers_of(CALLBACK, signing)

    assert len(headers["webhook-signature"].split(" ")) == 2
    Webhook(derived_secret(SECRET, "crm")).verify("{}", headers)
    Webhook(derived_secret(OLDER, "crm")).verify("{}", headers)
    newest = headers_of(CALLBACK, Signing((Secret(SECRET),)))["webhook-signature"]
    assert newest.startswith("v1,")


def test_a_destinations_own_secret_replaces_the_clients() -> None:
    own = replace(CALLBACK, secret=Secret(OLDER))

    headers = headers_of(own, Signing((Secret(SECRET),)))

    assert " " not in headers["webhook-signature"]
    Webhook(OLDER).verify("{}", headers)


def test_the_headers_are_those_of_the_standard_and_the_clients() -> None:
    callback = replace(CALLBACK, headers={"X-Api-Key": Secret("k"), "User-Agent": Secret("crm-hook")})

    request = prepare(
        callback,
        "{}",
        notification_id="ntf_1",
        client="crm",
        now=1_764_000_000_999,
        sender=Sender(signing=Signing((Secret(SECRET),))),
    )

    assert {name: value for name, value in request.headers.items() if name != "webhook-signature"} == {
        "content-type": "application/json",
        "user-agent": "crm-hook",
        "webhook-id": "ntf_1",
        "webhook-timestamp": "1764000000",
        "x-api-key": "k",
    }


def test_a_client_can_not_set_our_headers() -> None:
    forged = replace(CALLBACK, headers={"Webhook-Id": Secret("forged"), "Content-Type": Secret("text/plain")})

    headers = headers_of(forged, Signing((Secret(SECRET),)))

    assert headers["webhook-id"] == "ntf_1"
    assert headers["content-type"] == "application/json"


@pytest.mark.parametrize(
    ("name", "value", "refused"),
    [
        ("X-Api-Key", "abc", False),
        ("Authorization", "Bearer a b", False),
        ("User-Agent", "crm", False),
        ("Host", "internal", True),
        ("content-LENGTH", "3", True),
        ("Transfer-Encoding", "chunked", True),
        ("Connection", "close", True),
        ("Webhook-Signature", "v1,forged", True),
        ("Proxy-Authorization", "x", True),
        ("X Y", "a", True),
        ("", "a", True),
        ("X-É", "a", True),
        ("X:", "a", True),
        ("X-A", "", True),
        ("X-A", "a\r\nX-B: c", True),
        ("X-A", "a\n", True),
        ("X-A\n", "a", True),
        ("X-A", " a", True),
        ("X-A", "é", True),
        ("X-A", "a" * 4_001, True),
    ],
)
def test_each_forbidden_header_has_its_reason(name: str, value: str, refused: bool) -> None:  # noqa: FBT001 - a table
    found = header_problem(name, value)

    assert (found is not None) is refused
    if found is not None and len(value) > 8:
        assert value not in found


def test_the_body_is_the_payload_as_compact_json() -> None:
    body = render(NOTIFICATION, CALLBACK)

    assert json.loads(body) == NOTIFICATION.payload()
    assert ": " not in body
    assert json.loads(body)["data"]["label"] == "Q4 panel upload"


def test_failed_records_are_left_out_from_the_end_until_the_body_fits() -> None:
    records = tuple(FailedRecord(email=f"{number}{'é' * 600}@example.com") for number in range(100))
    reading = replace(READING, failed_records=records, failed_record_count=5_000)

    body = render(replace(NOTIFICATION, reading=reading), CALLBACK)

    data = json.loads(body)["data"]
    kept = data["import"]["failedRecords"]
    assert BODY_LIMIT - 1_300 < len(body.encode()) <= BODY_LIMIT
    assert kept == [{"email": record.email} for record in records[: len(kept)]]
    assert data["import"]["failedRecordCount"] == 5_000
    assert data["metadata"] == {"ticket": "RES-12"}


def test_metadata_is_left_out_if_leaving_out_records_is_not_enough() -> None:
    reading = replace(READING, failed_records=(FailedRecord(person_id="p"),), failed_record_count=1)
    large = replace(NOTIFICATION, metadata={"k": "x" * BODY_LIMIT}, reading=reading)

    data = json.loads(render(large, CALLBACK))["data"]

    assert data["metadata"] == {}
    assert data["label"] == "Q4 panel upload"
    assert data["import"]["failedRecordCount"] == 1


TEXT = st.text(st.characters(exclude_categories=[]), max_size=20)


@given(label=TEXT, status=TEXT, email=TEXT, reason=TEXT, times=st.sampled_from([1, 100, 20_000]))
def test_any_notification_fits(label: str, status: str, email: str, reason: str, times: int) -> None:
    reading = replace(
        READING, status=status * times, failed_records=(FailedRecord(email=email * times),) * 3, failed_record_count=3
    )
    notification = replace(
        NOTIFICATION, label=label * times, reason=reason * times, reading=reading, metadata={"k": label * times}
    )

    body = render(notification, CALLBACK)

    assert len(body.encode()) <= BODY_LIMIT
    assert json.loads(body)["data"]["watchId"] == "wat_1"


def callback_of(reason: str) -> str:
    return callback.render(
        build_notification(samples.WATCH, Conclusion(Outcome.FAILED, reason), samples.READING, samples.NOW)
    )


def test_a_body_one_byte_over_the_limit_loses_only_its_last_failed_record() -> None:
    room = callback.BODY_LIMIT - len(callback_of(""))

    assert len(callback_of("r" * room)) == callback.BODY_LIMIT
    assert json.loads(callback_of("r" * room))["data"]["import"]["failedRecords"] != []
    shorter = json.loads(callback_of("r" * (room + 1)))["data"]
    assert (len(shorter["reason"]), len(shorter["import"]["failedRecords"])) == (room + 1, 1)


def test_a_reason_that_is_too_long_is_cut_and_not_left_out() -> None:
    data = json.loads(callback_of("r" * callback.BODY_LIMIT))["data"]

    assert data["reason"] == "r" * callback.REASON_KEPT


def test_a_header_of_the_largest_length_is_valid() -> None:
    longest = "v" * callback.LONGEST_HEADER

    assert callback.header_problem("x-key", longest) is None
    assert callback.header_problem("x-key", longest + "v") is not None
    assert callback.header_problem("x key", "v") == "A header's name consists of letters, digits and hyphens"
