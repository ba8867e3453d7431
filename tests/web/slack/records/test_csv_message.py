"""The CSV by direct message: for the person who asked alone, once, with a sentence for each refusal of Slack."""

import asyncio
import csv
import json
from io import StringIO
from typing import Any

import pytest
from structlog.testing import capture_logs

from tests.support.samples import only
from tests.support.slack_modals import assert_takes, buttons_of, texts_of
from tests.support.slack_records import click_in_modal, ended, open_modal, people, shown
from tests.support.slack_requests import FILE, MESSAGES, USER, SlackStandIn, modal_click, send_interaction
from tests.support.world import World

pytestmark = pytest.mark.anyio
CALLS = ["conversations.open", "files.getUploadURLExternal", "upload", "files.completeUploadExternal"]


async def ask(world: World, slack: SlackStandIn, records: list[dict[str, str]], **wish: Any) -> str:
    """Open the modal of an ended import, and ask there for the CSV."""
    watch = await ended(world, records, **wish)
    await open_modal(world, slack, watch)
    await click_in_modal(world, slack, "records_csv")
    return watch


def calls(slack: SlackStandIn) -> list[str]:
    return [method for method, _ in slack.calls if method in CALLS]


async def test_the_csv_is_sent_to_the_person_alone(world: World, slack: SlackStandIn) -> None:
    label = "\u05d0\U0001f600" * 150
    with capture_logs() as logs:
        watch = await ask(world, slack, [{"email": "a@example.com", "personId": "=cmd()"}], label=label)

    assert calls(slack) == CALLS
    content = only(slack.of("upload"))
    assert list(csv.reader(StringIO(content.decode(), newline=""))) == [
        ["email", "personId", "importId"],
        ["a@example.com", "'=cmd()", "imp"],
    ]
    assert only(slack.of("conversations.open")) == {"users": USER}
    length = str(len(content))
    name = f"failed-records-{watch}.csv"
    assert only(slack.of("files.getUploadURLExternal")) == {"filename": name, "length": length}
    shared = only(slack.of("files.completeUploadExternal"))
    assert json.loads(shared["files"]) == [{"id": FILE, "title": "Failed records of imp"}]
    assert shared["channel_id"] == MESSAGES
    assert shared["initial_comment"].startswith("1 failed record of `imp` (")
    assert len(shared["initial_comment"]) <= 4_000
    assert "authorization" not in slack.headers["upload"]
    sending, sent = [each["view"] for each in slack.of("views.update")][1:]
    assert_takes(sending)
    assert_takes(sent)
    assert ("Making the CSV" in texts_of(sending), buttons_of(sending)) == (True, {})
    assert "in your direct messages with me" in texts_of(sent)
    shown_as = [each["form"] for each in logs if each["event"] == "failed_records.shown"]
    assert shown_as == ["slack", "slack_csv"]
    assert "example.com" not in str(logs)


async def test_more_than_the_reading_has_are_in_the_file(world: World, slack: SlackStandIn) -> None:
    await ask(world, slack, people(501))
    assert only(slack.of("upload")).count(b"\n") == 502


async def test_a_second_click_sends_no_second_file(world: World, slack: SlackStandIn) -> None:
    watch = await ended(world, people(1))
    await open_modal(world, slack, watch)
    view = shown(slack)
    await asyncio.gather(*(send_interaction(world.api, modal_click("records_csv", "csv", view)) for _ in range(3)))
    assert calls(slack) == CALLS
    texts = [texts_of(each["view"]) for each in slack.of("views.update")]
    assert sum("asked for this CSV within the last minute" in text for text in texts) == 2


@pytest.mark.parametrize(
    ("method", "answer", "sentence"),
    [
        ("conversations.open", "missing_scope", "im:write and files:write"),
        ("files.getUploadURLExternal", "storage_limit_reached", "is full"),
        (
            "files.getUploadURLExternal",
            {"ok": True, "file_id": FILE, "upload_url": "https://evil.example/upload"},
            "not what I expected",
        ),
        ("upload", 500, "did not take the file"),
        ("files.completeUploadExternal", "posting_to_channel_denied", "does not let me send you direct messages"),
        ("files.completeUploadExternal", 503, "may have taken the file"),
    ],
)
async def test_a_refusal_of_each_call_has_a_sentence_and_can_be_tried_again(
    world: World, slack: SlackStandIn, method: str, answer: Any, sentence: str
) -> None:
    slack.answers[method] = {"ok": False, "error": answer} if isinstance(answer, str) else answer
    with capture_logs() as logs:
        watch = await ask(world, slack, people(1))
    assert calls(slack) == CALLS[: CALLS.index(method) + 1]
    view = shown(slack)
    assert_takes(view)
    assert sentence in texts_of(view)
    assert buttons_of(view) == {"records_show": "0"}
    failure = only([each for each in logs if each["event"] == "slack.file_not_sent"])
    assert failure["watch_id"] == watch
    assert "SECRET-OF-THE-URL" not in str(logs)
    assert "evil" not in str(logs)

    del slack.answers[method]
    await click_in_modal(world, slack, "records_show")
    await click_in_modal(world, slack, "records_csv")
    assert "in your direct messages with me" in texts_of(shown(slack))


async def test_a_person_who_closes_the_modal_gets_the_file_all_the_same(world: World, slack: SlackStandIn) -> None:
    watch = await ended(world, people(1))
    await open_modal(world, slack, watch)
    slack.answers["views.update"] = {"ok": False, "error": "not_found"}
    await click_in_modal(world, slack, "records_csv")
    assert calls(slack) == CALLS
