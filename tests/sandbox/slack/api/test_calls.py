"""The simulated Slack's API over HTTP: who may call it, how it fails as planned, and what it remembers."""

import socket
import time
from typing import Any

import pytest
from slack_sdk.signature import SignatureVerifier
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from bridge.sandbox.slack.acts.bridge_link import COMMANDS, BridgeLink, Reply
from tests.support.samples import only
from tests.support.sandbox_slack import HERE, SIGNING_SECRET, SlackOverHttp
from tests.support.world import serving

pytestmark = pytest.mark.anyio

MESSAGE = {"channel": HERE, "text": "hello"}


@pytest.mark.parametrize(
    ("headers", "content", "error"),
    [
        ({}, b"{}", "not_authed"),
        ({"Authorization": "Bearer xoxb-2"}, b"{}", "invalid_auth"),
        ({"Authorization": "Bearer xoxb-1", "Content-Type": "application/json"}, b"[]", "json_not_object"),
        ({"Authorization": "Bearer xoxb-1", "Content-Type": "text/html"}, b"{}", "invalid_post_type"),
    ],
)
async def test_a_call_needs_the_token_and_arguments_that_can_be_read(
    served: SlackOverHttp, headers: dict[str, str], content: bytes, error: str
) -> None:
    answer = await served.http.post("/slack/api/chat.postMessage", headers=headers, content=content)

    assert (answer.status_code, answer.json()["error"]) == (200, error)


async def test_a_form_has_blocks_in_json(served: SlackOverHttp) -> None:
    form = {"channel": HERE, "text": "x", "blocks": '[{"type": "divider"}]'}
    assert (await served.answer("chat.postMessage", data=form)).json()["ok"]
    refused = await served.answer("chat.postMessage", data=form | {"blocks": "["})
    assert refused.json()["error"] == "invalid_arguments"


async def test_a_planned_error_comes_once_and_nothing_is_posted(served: SlackOverHttp) -> None:
    await served.plan(method="chat.postMessage", error="fatal_error")

    assert await served.call("chat.postMessage", **MESSAGE) == {"ok": False, "error": "fatal_error"}
    assert (await served.call("chat.postMessage", **MESSAGE))["ok"]
    state = await served.state()
    assert [each["result"] for each in state["calls"]] == ["fatal_error", "ok"]
    assert len(state["messages"]) == 1


async def test_a_planned_limit_says_when_to_call_again(served: SlackOverHttp) -> None:
    await served.plan(method="chat.update", status=429, retryAfter=7, times=2)

    for _ in range(2):
        answer = await served.answer("chat.update", json={})
        assert (answer.status_code, answer.headers["retry-after"]) == (429, "7")
        assert answer.json()["error"] == "ratelimited"


async def test_a_lost_answer_is_one_that_is_cut_off_after_the_call(served: SlackOverHttp) -> None:
    await served.plan(method="chat.postMessage", lost=True)
    answer = await served.answer("chat.postMessage", json=MESSAGE)

    assert len(answer.content) < int(answer.headers["content-length"])
    assert only((await served.state())["messages"])["text"] == "hello"


@pytest.mark.parametrize("lost", [True, False])
async def test_response_urls_and_uploads_fail_as_planned_too(served: SlackOverHttp, *, lost: bool) -> None:
    for name, url in (("response_url", "hooks.slack.com/commands/x"), ("upload", "files.slack.com/upload/v1/x")):
        await served.plan(method=name, **({"lost": True} if lost else {"status": 503}))
        answer = await served.at(f"https://{url}", json={"text": "x"})
        assert (answer.headers["content-length"] == "100") if lost else (answer.status_code == 503)


async def test_an_unknown_response_url_is_refused(served: SlackOverHttp) -> None:
    answer = await served.at("https://hooks.slack.com/commands/T0/1/x", json={"text": "x"})

    assert (answer.status_code, answer.text) == (404, "expired_url")


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("POST", "faults", {"method": "chat.update"}, 422),
        ("POST", "faults", {"method": "chat.update", "status": 7}, 422),
        ("PUT", "channels/C0PANELS", {"colour": "red"}, 422),
        ("PUT", "channels/panels", {"archived": True}, 404),
        ("DELETE", "messages/C0PANELS/1.0", None, 404),
    ],
)
async def test_a_wrong_request_of_the_control_api_is_refused(
    served: SlackOverHttp, method: str, path: str, body: Any, status: int
) -> None:
    assert (await served.http.request(method, f"/control/slack/{path}", json=body)).status_code == status


async def test_a_message_can_be_deleted_and_a_channel_left(served: SlackOverHttp) -> None:
    posted = await served.call("chat.postMessage", **MESSAGE)
    gone = await served.http.delete(f"/control/slack/messages/{HERE}/{posted['ts']}")
    assert gone.status_code == 204
    assert (await served.call("chat.update", **MESSAGE, ts=posted["ts"]))["error"] == "message_not_found"

    await served.http.put(f"/control/slack/channels/{HERE}", json={"hasApp": False})
    assert (await served.call("chat.postMessage", **MESSAGE))["error"] == "not_in_channel"


async def test_the_state_has_no_secret_of_an_upload(served: SlackOverHttp) -> None:
    ticket = (await served.answer("files.getUploadURLExternal", data={"filename": "x", "length": "1"})).json()

    state = await served.http.get("/control/slack")
    assert ticket["file_id"] in state.text
    assert ticket["upload_url"].rpartition("/")[2] not in state.text


async def test_reset_empties_the_workspace(served: SlackOverHttp) -> None:
    await served.call("chat.postMessage", **MESSAGE)
    await served.http.post("/control/reset")

    state = await served.state()
    assert (state["messages"], state["calls"]) == ([], [])


async def test_requests_to_the_bridge_bear_a_signature_that_slacks_library_verifies() -> None:
    seen: list[bool] = []
    answers = [Response(status_code=401), PlainTextResponse("fine"), Response(), PlainTextResponse('{"text": "x"}')]

    async def take(request: Request) -> Response:
        seen.append(SignatureVerifier(SIGNING_SECRET).is_valid_request(await request.body(), dict(request.headers)))
        return answers.pop(0)

    with serving(Starlette(routes=[Route(COMMANDS, take, methods=["POST"])])) as url:
        link = BridgeLink(url=url, secret=SIGNING_SECRET, now=time.time)
        replies = [await link.send(COMMANDS, {"text": "ä & b"}) for _ in range(4)]

    assert seen == [True] * 4
    assert replies == [
        Reply(problem="dispatch_failed (HTTP 401)"),
        Reply(document={"text": "fine"}),
        Reply(),
        Reply(document={"text": "x"}),
    ]
    assert (await link.send(COMMANDS, {})).problem == "dispatch_failed"


async def test_a_bridge_that_does_not_answer_in_time_is_reported() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        link = BridgeLink(url=url, secret=SIGNING_SECRET, now=time.time, patience=0.01)

        assert await link.send(COMMANDS, {}) == Reply(problem="operation_timeout")
