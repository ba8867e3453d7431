"""The simulated Slack's uploads: a ticket, the bytes, and the message with the file."""

from typing import Any

import pytest

from tests.support.samples import only
from tests.support.sandbox_slack import HERE, SlackOverHttp

pytestmark = pytest.mark.anyio

CSV = b"email,personId,importId\r\n"
ANNOUNCED = {"filename": "failed.csv", "length": str(len(CSV))}


async def announce(served: SlackOverHttp, **changes: str) -> dict[str, Any]:
    answer = await served.answer("files.getUploadURLExternal", data=ANNOUNCED | changes)
    ticket: dict[str, Any] = answer.json()
    return ticket


async def complete(served: SlackOverHttp, file_id: str, **arguments: Any) -> dict[str, Any]:
    files = [{"id": file_id, "title": "Failed records"}]
    return await served.call("files.completeUploadExternal", files=files, **arguments)


async def test_an_uploaded_file_can_be_downloaded_from_a_direct_message(served: SlackOverHttp) -> None:
    channel = (await served.call("conversations.open", users="U0ALICE"))["channel"]["id"]
    ticket = await announce(served)
    assert (await served.at(ticket["upload_url"], content=CSV)).text == f"OK - {len(CSV)}"

    assert (await complete(served, ticket["file_id"], channel_id=channel, initial_comment="Here it is"))["ok"]
    message = only((await served.state())["messages"])
    assert (message["channel"], message["text"], message["file"]) == (channel, "Here it is", ticket["file_id"])
    address = f"/inbox/slack/files/{ticket['file_id']}/failed.csv"
    assert address in await served.page()
    assert address not in await served.page(**{"as": "U0BEN"})
    assert (await served.http.get(address)).content == CSV


async def test_a_file_can_be_the_part_of_a_form(served: SlackOverHttp) -> None:
    ticket = await announce(served)

    assert (await served.at(ticket["upload_url"], files={"file": ("failed.csv", CSV)})).status_code == 200
    assert (await complete(served, ticket["file_id"]))["ok"]
    assert (await served.http.get(f"/inbox/slack/files/{ticket['file_id']}/x")).content == CSV
    assert (await served.state())["messages"] == []


@pytest.mark.parametrize("changes", [{"filename": ""}, {"length": "0"}, {"length": "many"}])
async def test_a_ticket_needs_a_name_and_a_length(served: SlackOverHttp, changes: dict[str, str]) -> None:
    assert (await announce(served, **changes))["error"] == "invalid_arguments"


async def test_a_ticket_is_asked_for_by_a_form_as_slack_ignores_json_here(served: SlackOverHttp) -> None:
    assert (await served.call("files.getUploadURLExternal", **ANNOUNCED))["error"] == "invalid_arguments"


async def test_bytes_of_another_length_are_refused(served: SlackOverHttp) -> None:
    ticket = await announce(served)

    assert (await served.at(ticket["upload_url"], content=CSV + b"x")).status_code == 400
    assert (await complete(served, ticket["file_id"]))["error"] == "file_not_found"


@pytest.mark.parametrize(
    ("channel", "error"), [("U0ALICE", "invalid_channel"), ("C0GENERAL", "not_in_channel"), (HERE, None)]
)
async def test_a_file_is_shared_once_in_a_channel_of_the_app(
    served: SlackOverHttp, channel: str, error: str | None
) -> None:
    ticket = await announce(served)
    await served.at(ticket["upload_url"], content=CSV)

    assert (await complete(served, ticket["file_id"], channel_id=channel)).get("error") == error
    again = await complete(served, ticket["file_id"], channel_id=HERE)
    assert again.get("error") == (None if error else "file_not_found")


async def test_without_files_nothing_is_shared(served: SlackOverHttp) -> None:
    assert (await served.call("files.completeUploadExternal", files=[]))["error"] == "invalid_arguments"
    form = await served.answer("files.completeUploadExternal", data={"files": "no json"})
    assert form.json()["error"] == "invalid_arguments"
