"""The demo imports of the inbox page: each button posts a watch to the bridge, and nothing else of a page may."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from bridge.sandbox.app import create_app
from bridge.sandbox.demo_buttons import next_id
from bridge.sandbox.settings import SandboxSettings
from tests.support.samples import only
from tests.support.world import serving

pytestmark = pytest.mark.anyio

KEY = "key-of-a-client"


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


def client_of(bridge_url: str) -> httpx.AsyncClient:
    settings = SandboxSettings(rally_key="rally-key", bridge_url=bridge_url, bridge_key=KEY)
    return httpx.AsyncClient(transport=httpx.ASGITransport(create_app(settings)), base_url="http://127.0.0.1:8081")


@pytest.fixture
async def sandbox() -> AsyncIterator[httpx.AsyncClient]:
    async with client_of("http://127.0.0.1:1") as client:
        yield client


async def test_a_button_posts_a_watch_to_the_bridge() -> None:
    posted: list[tuple[str | None, Any]] = []

    async def create(request: Request) -> Response:
        posted.append((request.headers.get("authorization"), await request.json()))
        return JSONResponse({}, 202)

    with serving(Starlette(routes=[Route("/v1/watches", create, methods=["POST"])])) as url:
        async with client_of(url) as sandbox:
            answer = await sandbox.post("/inbox/demos/demo-failed-1")

    assert (answer.status_code, answer.headers["location"]) == (303, "/inbox")
    authorization, watch = only(posted)
    assert authorization == f"Bearer {KEY}"
    assert watch["importId"] == "demo-failed-1"
    assert [each["type"] for each in watch["notify"]] == ["slack_webhook", "callback"]


async def test_a_bridge_that_cannot_be_reached_is_named(sandbox: httpx.AsyncClient) -> None:
    answer = await sandbox.post("/inbox/demos/demo-failed-1")

    assert answer.status_code == 502
    assert "The bridge at http://127.0.0.1:1 can&#39;t be reached (ConnectError)." in answer.text
    assert KEY not in answer.text


async def test_a_watch_that_is_refused_is_reported() -> None:
    with serving(Starlette()) as url:
        async with client_of(url) as sandbox:
            answer = await sandbox.post("/inbox/demos/demo-failed-1")

    assert "refused the watch: HTTP 404" in answer.text


async def test_without_a_bridge_the_ids_have_no_buttons() -> None:
    transport = httpx.ASGITransport(create_app(SandboxSettings(rally_key="rally-key")))
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8081") as sandbox:
        page = (await sandbox.get("/inbox")).text
        answer = await sandbox.post("/inbox/demos/demo-failed-1")

    assert "demo-completed-1" in page
    assert "<form" not in page
    assert answer.status_code == 502
    assert "SANDBOX_BRIDGE_URL and SANDBOX_BRIDGE_KEY" in answer.text


def test_each_press_watches_an_import_that_has_not_begun() -> None:
    assert next_id("demo-slow", {"demo-slow-1", "demo-slow-2", "demo-failed-3"}) == "demo-slow-3"


@pytest.mark.parametrize("host", ["127.0.0.1:8081", "localhost:8081", "[::1]:8081", "10.0.0.5"])
async def test_the_page_itself_may_press_its_buttons(sandbox: httpx.AsyncClient, host: str) -> None:
    headers = {"Host": host, "Origin": f"http://{host}", "Sec-Fetch-Site": "same-origin"}

    assert (await sandbox.post("/inbox/demos/demo-failed-1", headers=headers)).status_code != 403
    assert (await sandbox.post("/control/reset", headers=headers)).status_code == 403


@pytest.mark.parametrize(
    ("host", "origin"),
    [
        ("127.0.0.1:8081", "https://evil.example"),
        ("127.0.0.1:8081", "null"),
        ("127.0.0.1:8081", "http://127.0.0.1:8080"),
        ("rebound.evil.example:8081", "http://rebound.evil.example:8081"),
        ("[:8081", "http://[:8081"),
    ],
)
async def test_no_other_page_may_press_a_button(sandbox: httpx.AsyncClient, host: str, origin: str) -> None:
    headers = {"Host": host, "Origin": origin}

    assert (await sandbox.post("/inbox/demos/demo-failed-1", headers=headers)).status_code == 403


async def test_the_page_is_sent_again_only_if_it_has_changed(sandbox: httpx.AsyncClient) -> None:
    first = await sandbox.get("/inbox")
    known = {"If-None-Match": first.headers["etag"]}

    assert (await sandbox.get("/inbox", headers=known)).status_code == 304
    await sandbox.post("/inbox/services/T/B/X", json={"text": "x"})
    assert (await sandbox.get("/inbox", headers=known)).status_code == 200
