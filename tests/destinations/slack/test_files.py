"""Files: what Slack names is used only if it is what was asked for, and only at Slack's hosts."""

from typing import Any

import pytest

from bridge.destinations.slack.bot import SlackBot
from bridge.destinations.slack.call_results import NotDone
from bridge.destinations.slack.files import (
    Upload,
    direct_messages_of,
    prepare_bytes,
    prepare_sharing,
    prepare_upload_url,
    upload_of,
    uploaded,
)
from bridge.destinations.slack.modal_calls import view_id_of
from bridge.domain.delivery.destination_requests import Failure, NoResponse, Response
from bridge.domain.secret import Secret

API = "https://slack.com/api"
BOT = SlackBot(token=Secret("xoxb-1"), api_url=API)
UPLOAD = Upload(file_id="F1AA", url=Secret("https://files.slack.com/upload/v1/SECRET"))


@pytest.mark.parametrize(
    ("url", "api_url"),
    [
        ("https://files.slack.com/upload/v1/ABC", API),
        ("https://files.slack-gov.com/upload/v1/ABC", "https://slack-gov.com/api"),
        ("http://127.0.0.1:8081/upload", "http://127.0.0.1:8081/slack/api"),
    ],
)
def test_files_are_uploaded_to_slacks_hosts(url: str, api_url: str) -> None:
    found = upload_of({"ok": True, "file_id": "F1AA", "upload_url": url}, api_url=api_url)
    assert isinstance(found, Upload)
    assert found.url.reveal() == url
    assert "ABC" not in repr(found)


@pytest.mark.parametrize(
    "url",
    [
        "http://files.slack.com/upload",
        "https://files.slack.com:8443/upload",
        "https://files.slack.com.evil.example/upload",
        "https://evil.example/files.slack.com",
        "https://hooks.slack.com/upload",
        "https://user@files.slack.com/upload",
        "https://169.254.169.254/upload",
        "file:///etc/passwd",
        "",
        None,
        ["https://files.slack.com/upload"],
    ],
)
def test_no_other_host_is_asked(url: Any) -> None:
    found = upload_of({"ok": True, "file_id": "F1AA", "upload_url": url}, api_url=API)
    assert isinstance(found, NotDone)
    assert "evil" not in found.reason + found.sentence


@pytest.mark.parametrize("file_id", [None, "", "f1", "F1 2", "../F1AA", 1])
def test_a_file_without_an_id_is_not_uploaded(file_id: Any) -> None:
    answer = {"ok": True, "file_id": file_id, "upload_url": "https://files.slack.com/upload"}
    assert isinstance(upload_of(answer, api_url=API), NotDone)


@pytest.mark.parametrize("channel", [None, {}, {"id": None}, {"id": "C0PANELS"}, {"id": "G0PANELS"}, {"id": "U0ALICE"}])
def test_a_file_is_never_sent_into_a_channel(channel: Any) -> None:
    assert isinstance(direct_messages_of({"ok": True, "channel": channel}), NotDone)
    assert direct_messages_of({"ok": True, "channel": {"id": "D0ALICE"}}) == "D0ALICE"


@pytest.mark.parametrize("view", [None, {}, {"id": 1}, {"id": "X1"}, []])
def test_a_modal_without_an_id_is_not_filled(view: Any) -> None:
    assert isinstance(view_id_of({"ok": True, "view": view}), NotDone)
    assert view_id_of({"ok": True, "view": {"id": "V1AA"}}) == "V1AA"


def test_a_refusal_stays_one() -> None:
    refusal = NotDone(reason="r", sentence="s")
    assert upload_of(refusal, api_url=API) is direct_messages_of(refusal) is view_id_of(refusal) is refusal


def test_the_token_is_not_sent_along_with_the_bytes() -> None:
    request = prepare_bytes(UPLOAD, b"\xff")
    assert (request.url, request.body) == (UPLOAD.url, b"\xff")
    assert "authorization" not in request.headers


def test_the_calls_for_files_are_forms() -> None:
    asked = prepare_upload_url("a b.csv", 12, BOT)
    assert (asked.url.reveal(), asked.body) == (f"{API}/files.getUploadURLExternal", b"filename=a+b.csv&length=12")
    shared = prepare_sharing(UPLOAD, "D0ALICE", title="t", comment="c", bot=BOT)
    assert shared.headers["content-type"] == "application/x-www-form-urlencoded"
    assert b"channel_id=D0ALICE" in shared.body


@pytest.mark.parametrize(
    ("answer", "taken"),
    [
        (Response(status=200, headers={}, body=b"OK - 12"), True),
        (Response(status=403, headers={}, body=b""), False),
        (Response(status=500, headers={}, body=b""), False),
        (Response(status=302, headers={}, body=b""), False),
        (NoResponse(failure=Failure.TIMEOUT, reason="no answer"), False),
    ],
)
def test_the_status_says_whether_the_bytes_were_taken(answer: Any, *, taken: bool) -> None:
    assert (uploaded(answer) is None) is taken
