"""The sandbox: its receivers, its inbox and its control API."""

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from standardwebhooks import Webhook

from bridge.sandbox.settings import SandboxSettings
from tests.support.samples import only
from tests.support.sandbox_app import IMPORTS, KEY, SECRET, START, Clock, running_sandbox

pytestmark = pytest.mark.anyio


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def sandbox(clock: Clock) -> AsyncIterator[httpx.AsyncClient]:
    async with running_sandbox(clock) as client:
        yield client


@pytest.mark.parametrize(
    ("method", "path", "body", "words"),
    [
        ("PUT", "/control/imports/imp", {"outcome": "great"}, "outcome"),
        ("PUT", "/control/imports/imp", {"colour": "red"}, "colour"),
        ("POST", "/control/faults", {}, "status or kind"),
        ("POST", "/control/faults", {"status": 200, "kind": "hang"}, "status or kind"),
        ("PUT", "/control/limit", {"limit": -1, "window": 0}, "limit"),
        ("POST", "/control/inbox/x/answers", [{"status": 7}], "status"),
    ],
)
async def test_an_invalid_request_is_answered_with_its_problems(
    sandbox: httpx.AsyncClient, method: str, path: str, body: Any, words: str
) -> None:
    answer = await sandbox.request(method, path, json=body)

    assert answer.status_code == 422
    assert words in answer.text


def signed(body: str, *, secret: str = SECRET, at: float = START) -> dict[str, str]:
    moment = datetime.fromtimestamp(at, UTC)
    signature = Webhook(secret).sign("ntf_1", moment, body)
    return {"webhook-id": "ntf_1", "webhook-timestamp": str(int(at)), "webhook-signature": signature}


@pytest.mark.parametrize(
    ("headers", "body", "good"),
    [
        (signed('{"a":1}'), '{"a":1}', True),
        (signed('{"a":1}') | {"webhook-signature": "v1,xx " + signed('{"a":1}')["webhook-signature"]}, '{"a":1}', True),
        (signed('{"a":1}'), '{"a":2}', False),
        (signed('{"a":1}', secret="whsec_c2VydmljZS1zZWNyZXQtb2YtdGhlLXRlc3RzIQ=="), '{"a":1}', False),
        (signed('{"a":1}', at=START - 301), '{"a":1}', False),
        ({}, "{}", False),
    ],
)
async def test_only_a_genuine_callback_verifies(
    sandbox: httpx.AsyncClient, headers: dict[str, str], body: str, *, good: bool
) -> None:
    answer = await sandbox.post("/inbox/callbacks/crm", content=body, headers=headers)

    kept = only((await sandbox.get("/inbox/messages", params={"name": "crm"})).json())
    assert answer.status_code == (204 if good else 401)
    assert (kept["verified"], kept["why"] is None) == (good, good)


async def test_a_sandbox_without_a_secret_names_the_setting(sandbox: httpx.AsyncClient) -> None:
    await sandbox.put("/control/callback-secrets", json=[])

    answer = await sandbox.post("/inbox/callbacks/crm", content="{}", headers=signed("{}"))

    assert answer.status_code == 401
    assert "SANDBOX_CALLBACK_SECRETS" in only((await sandbox.get("/inbox/messages")).json())["why"]


SECTION = {"type": "section", "text": {"type": "mrkdwn", "text": "x"}}


@pytest.mark.parametrize(
    ("payload", "answer"),
    [
        ({"text": "hello"}, "ok"),
        ({"text": "hello", "blocks": [SECTION, {"type": "divider"}]}, "ok"),
        ("not json", "invalid_payload"),
        ([], "invalid_payload"),
        ({}, "no_text"),
        ({"blocks": [SECTION] * 51}, "invalid_blocks"),
        ({"blocks": [{"type": "header", "text": {"type": "plain_text", "text": "x" * 151}}]}, "invalid_blocks"),
        ({"blocks": [{"type": "header", "text": {"type": "mrkdwn", "text": "x"}}]}, "invalid_blocks"),
        ({"blocks": [{"type": "section", "text": {"type": "mrkdwn", "text": "x" * 3001}}]}, "invalid_blocks"),
        ({"blocks": [{"type": "section", "text": {"type": "mrkdwn", "text": ""}}]}, "invalid_blocks"),
        ({"blocks": [{"type": "section", "fields": [SECTION["text"]] * 11}]}, "invalid_blocks"),
        ({"blocks": [{"type": "context", "elements": [SECTION["text"]] * 11}]}, "invalid_blocks"),
        ({"blocks": [{"type": "pigeon"}]}, "invalid_blocks"),
        ({"blocks": [{"type": "section", "text": {"type": "plain_text", "text": "x", "verbatim": True}}]},
         "invalid_blocks"),
    ],
)  # fmt: skip
async def test_a_webhook_answers_with_the_texts_of_slack(sandbox: httpx.AsyncClient, payload: Any, answer: str) -> None:
    content = payload if isinstance(payload, str) else json.dumps(payload)
    response = await sandbox.post("/inbox/services/T/B/X", content=content)

    assert (response.status_code, response.text) == (200 if answer == "ok" else 400, answer)
    assert response.headers["content-type"].startswith("text/plain")


async def test_a_bot_message_needs_the_token_and_a_channel(sandbox: httpx.AsyncClient) -> None:
    async def post_message(token: str, payload: dict[str, str]) -> Any:
        headers = {"Authorization": f"Bearer {token}"}
        return (await sandbox.post("/slack/api/chat.postMessage", json=payload, headers=headers)).json()

    assert (await post_message("wrong", {"text": "x"}))["error"] == "invalid_auth"
    assert (await post_message("xoxb-1", {"text": "x"}))["error"] == "channel_not_found"
    good = await post_message("xoxb-1", {"text": "x", "channel": "C0PANELS"})
    assert (good["ok"], good["channel"]) == (True, "C0PANELS")


async def test_slack_identifies_a_valid_token_and_refuses_others(sandbox: httpx.AsyncClient) -> None:
    async def auth_test(token: str) -> Any:
        return (await sandbox.post("/slack/api/auth.test", headers={"Authorization": f"Bearer {token}"})).json()

    assert await auth_test("wrong") == {"ok": False, "error": "invalid_auth"}
    assert (await auth_test("xoxb-1"))["ok"]


async def test_each_planned_answer_is_given_once(sandbox: httpx.AsyncClient) -> None:
    await sandbox.post("/control/inbox/slack/answers", json=[{"status": 429, "headers": {"Retry-After": "1"}}])

    answers = [await sandbox.post("/inbox/services/T/B/X", json={"text": "x"}) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [429, 200]
    assert answers[0].headers["retry-after"] == "1"


async def test_hostile_text_is_escaped(sandbox: httpx.AsyncClient) -> None:
    evil = "<script>alert(1)</script>"
    header = {"type": "header", "text": {"type": "plain_text", "text": evil}}
    section = {"type": "section", "text": {"type": "mrkdwn", "text": f"*{evil}* <https://x|{evil[1:-1]}> `{evil}`"}}
    await sandbox.post("/inbox/services/T/B/X", json={"text": evil, "blocks": [header, section]})
    await sandbox.post("/inbox/callbacks/crm", content=json.dumps({"type": evil}), headers={"webhook-id": evil})
    await sandbox.get(f"{IMPORTS}/demo-{evil.replace('/', '%2F')}", headers=KEY)

    page = await sandbox.get("/")

    assert page.text.count("<script") == page.text.count('<script src="/inbox.js" defer></script>') == 1
    assert page.text.count("&lt;script&gt;") >= 5
    assert "default-src 'none'" in page.headers["content-security-policy"]


ABSURD = "9" * 30
DEEP = "[" * 200_000 + "]" * 200_000


@pytest.mark.parametrize(
    ("path", "content"),
    [
        ("/inbox/services/T/B/X", json.dumps({"text": f"at <!date^{ABSURD}^{{time}}|some time>"})),
        ("/inbox/services/T/B/X", json.dumps({"text": f"at <!date^{'9' * 6000}^{{time}}|some time>"})),
        ("/inbox/services/T/B/X", json.dumps({"text": {"not": "text"}})),
        ("/inbox/services/T/B/X", DEEP),
        ("/inbox/services/T/B/X", f'{{"text": {"1" * 6000}}}'),
        ("/inbox/services/T/B/X", r'{"text": "\ud800"}'),
        ("/inbox/services/T/B/X", '{"text": "", "blocks": [{"type": "divider"}], "more": 1e999}'),
        ("/inbox/callbacks/crm", r'{"type": "\ud800"}'),
        ("/inbox/callbacks/crm", DEEP),
        ("/inbox/callbacks/crm", f'{{"type": {"1" * 6000}}}'),
    ],
    ids=[
        *("a date", "a longer date", "no text", "deep", "a number"),
        *(
            "half a character",
            "infinity",
            "half a character in a callback",
            "a deep callback",
            "a number in a callback",
        ),
    ],
)
async def test_the_inbox_shows_every_message_that_was_accepted(
    sandbox: httpx.AsyncClient, path: str, content: str
) -> None:
    took = await sandbox.post(path, content=content, headers={"webhook-id": "a", "webhook-timestamp": "9" * 6000})

    assert took.status_code < 500
    assert (await sandbox.get("/inbox")).status_code == 200
    assert len((await sandbox.get("/inbox/messages")).json()) == 1


async def test_an_invalid_date_is_shown_as_its_fallback_text(sandbox: httpx.AsyncClient) -> None:
    await sandbox.post("/inbox/services/T/B/X", json={"text": f"at <!date^{ABSURD}^{{time}}|some time>"})

    assert "at some time" in (await sandbox.get("/inbox")).text


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/control/limit", {"limit": 1, "window": int(ABSURD)}),
        ("/control/imports/imp", {"seconds": 1e300}),
        ("/control/imports/imp", {"statuses": [{"status": "COMPLETED", "after": 1e300}]}),
    ],
)
async def test_an_absurd_time_is_refused(sandbox: httpx.AsyncClient, path: str, body: Any) -> None:
    assert (await sandbox.put(path, json=body)).status_code == 422
    assert (await sandbox.get("/inbox")).status_code == 200


async def test_the_page_is_shown_at_any_time(sandbox: httpx.AsyncClient, clock: Clock) -> None:
    clock.now = 1e18
    await sandbox.post("/inbox/services/T/B/X", json={"text": "x"})

    assert "at no time" in (await sandbox.get("/inbox")).text


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://sandbox"},
        {"Sec-Fetch-Site": "cross-site"},
    ],
)
async def test_requests_of_a_page_in_a_browser_change_nothing(
    sandbox: httpx.AsyncClient, headers: dict[str, str]
) -> None:
    await sandbox.post("/inbox/services/T/B/X", json={"text": "x"})
    refused = [
        await sandbox.post("/control/reset", headers=headers),
        await sandbox.post("/control/faults", content='{"kind": "hang"}', headers=headers),
        await sandbox.delete("/inbox/messages", headers=headers),
        await sandbox.post("/inbox/services/T/B/X", content='{"text": "y"}', headers=headers),
    ]

    assert {answer.status_code for answer in refused} == {403}
    assert [message["parsed"] for message in (await sandbox.get("/inbox/messages")).json()] == [{"text": "x"}]
    assert (await sandbox.get("/inbox", headers=headers)).status_code == 200


async def test_the_page_says_whether_a_message_is_genuine_or_forged(sandbox: httpx.AsyncClient) -> None:
    await sandbox.post("/inbox/callbacks/crm", content="{}", headers=signed("{}"))
    await sandbox.post("/inbox/callbacks/crm", content="{}")

    page = (await sandbox.get("/inbox")).text
    assert "✓ signature verified" in page
    assert "✗ a header is missing" in page


async def test_reset_empties_everything(sandbox: httpx.AsyncClient) -> None:
    await sandbox.put("/control/imports/imp", json={})
    await sandbox.put("/control/key", json="another")
    await sandbox.post("/inbox/services/T/B/X", json={"text": "x"})
    await sandbox.post("/control/reset")

    assert (await sandbox.get("/inbox/messages")).json() == []
    assert (await sandbox.get(f"{IMPORTS}/imp", headers=KEY)).status_code == 404


def test_without_a_key_the_sandbox_does_not_start() -> None:
    with pytest.raises(SystemExit, match="SANDBOX_RALLY_KEY"):
        SandboxSettings.from_env({})

    settings = SandboxSettings.from_env({"SANDBOX_RALLY_KEY": "k", "SANDBOX_CALLBACK_SECRETS": "whsec_a, whsec_b"})
    assert settings.callback_secrets == ("whsec_a", "whsec_b")
    assert settings.bridge_key == ""
    assert "whsec" not in repr(settings)
