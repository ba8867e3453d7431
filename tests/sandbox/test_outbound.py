"""Diverted messages: each is answered as its host would answer, and kept with its address."""

import json
from collections.abc import AsyncIterator

import httpx
import pytest

from bridge.sandbox.app import create_app
from bridge.sandbox.settings import SandboxSettings
from tests.support.samples import only

pytestmark = pytest.mark.anyio

TOKEN = {"Authorization": "Bearer xoxb-1"}
CALLBACK = {"webhook-id": "ntf_1", "webhook-timestamp": "1", "webhook-signature": "v1,AAAA"}


@pytest.fixture
async def sandbox() -> AsyncIterator[httpx.AsyncClient]:
    settings = SandboxSettings(rally_key="rally-key", callback_secrets=("whsec_AAAA",), slack_token="xoxb-1")
    transport = httpx.ASGITransport(create_app(settings))
    async with httpx.AsyncClient(transport=transport, base_url="http://sandbox") as client:
        yield client


@pytest.mark.parametrize(
    ("path", "address"),
    [
        ("https/hooks.slack.com/services/T0/B0/SECRET", "https://hooks.slack.com/services/T0/B0/…"),
        ("https/hooks.slack-gov.com/services/T0/B0/SECRET", "https://hooks.slack-gov.com/services/T0/B0/…"),
        ("http/chat.internal%3A8065/hooks/abc?q=SECRET", "http://chat.internal:8065/hooks/abc"),
    ],
)
async def test_an_incoming_webhook_answers_ok(sandbox: httpx.AsyncClient, path: str, address: str) -> None:
    answer = await sandbox.post(f"/outbound/{path}", json={"text": "hello"})

    assert (answer.status_code, answer.text) == (200, "ok")
    kept = only((await sandbox.get("/inbox/messages")).json())
    assert (kept["kind"], kept["url"]) == ("slack", address)
    page = (await sandbox.get("/inbox")).text
    assert "Slack, incoming webhook" in page
    assert address in page
    assert "SECRET" not in page


async def test_slacks_web_api_answers_at_its_own_host(sandbox: httpx.AsyncClient) -> None:
    def call(method: str) -> str:
        return f"/outbound/https/slack.com/api/{method}"

    payload = {"channel": "C0123ABCD", "text": "hello"}
    assert (await sandbox.post(call("auth.test"), headers=TOKEN)).json()["ok"]
    assert (await sandbox.post(call("chat.postMessage"), json=payload, headers=TOKEN)).json()["ok"]
    assert (await sandbox.post(call("chat.delete"), headers=TOKEN)).json()["error"] == "unknown_method"

    page = (await sandbox.get("/inbox")).text
    assert "channel <code>C0123ABCD</code>" in page
    kept = only((await sandbox.get("/inbox/messages")).json())
    assert (kept["url"], kept["posted"]) == ("https://slack.com/api/chat.postMessage", True)


async def test_a_callback_is_accepted_even_if_its_secret_is_its_receivers_own(sandbox: httpx.AsyncClient) -> None:
    answer = await sandbox.post("/outbound/https/crm.example.com/hooks/rally", content="{}", headers=CALLBACK)

    assert answer.status_code == 204
    kept = only((await sandbox.get("/inbox/messages", params={"name": "crm.example.com"})).json())
    assert (kept["kind"], kept["url"]) == ("callback", "https://crm.example.com/hooks/rally")
    assert not kept["verified"]
    page = (await sandbox.get("/inbox")).text
    assert "✓ signature verified" not in page
    assert "accepted, signature not verified" in page


@pytest.mark.parametrize("path", ["control/reset", "control/faults", "inbox/messages", "rally/api/public/v1/imports/a"])
async def test_a_path_of_the_sandbox_is_a_path_like_any_other(sandbox: httpx.AsyncClient, path: str) -> None:
    answer = await sandbox.post(f"/outbound/https/crm.example.com/{path}", content="{}", headers=CALLBACK)

    assert answer.status_code == 204
    assert len((await sandbox.get("/inbox/messages")).json()) == 1


async def test_how_a_host_answers_next_can_be_planned(sandbox: httpx.AsyncClient) -> None:
    await sandbox.post("/control/inbox/crm.example.com/answers", content=json.dumps([{"status": 503}]))
    answers = [
        await sandbox.post("/outbound/https/crm.example.com%3A8443/", content="{}", headers=CALLBACK) for _ in range(2)
    ]

    assert [answer.status_code for answer in answers] == [503, 204]
