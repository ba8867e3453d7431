"""The pushes of the simulated Rally: what the bridge gets when an import ends, and what an attacker may send."""

import asyncio
import itertools
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import httpx
import pytest
from standardwebhooks import Webhook, WebhookVerificationError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bridge.sandbox.app import create_app
from bridge.sandbox.pushes import RETRY_PAUSES
from bridge.sandbox.settings import SandboxSettings
from tests.support.samples import only
from tests.support.sandbox_app import IMPORTS, KEY, Clock
from tests.support.world import serving

pytestmark = pytest.mark.anyio

SECRET = "whsec_plJ3nmyCDGBKInavdOK15jsl"
OLD_SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
TRIES = 200


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@dataclass
class Bridge:
    """What stands in for the bridge: keeps each push, and answers as planned, else 204."""

    received: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)
    answers: list[Response] = field(default_factory=list)

    async def take(self, request: Request) -> Response:
        self.received.append((request.path_params["workspace"], dict(request.headers), await request.body()))
        return self.answers.pop(0) if self.answers else Response(status_code=204)

    @property
    def bodies(self) -> list[Any]:
        return [json.loads(body) for _, _, body in self.received]


@dataclass
class Pushing:
    """A sandbox whose bridge is `bridge`."""

    bridge: Bridge
    http: httpx.AsyncClient
    clock: Clock

    async def sent(self, number: int) -> list[dict[str, Any]]:
        """Wait for a number of pushes to be answered; return all of them."""
        found: list[dict[str, Any]] = []
        for _ in range(TRIES):
            found = (await self.http.get("/control/pushes")).json()
            if len(found) >= number:
                return found
            await asyncio.sleep(0.02)
        raise AssertionError(f"{len(found)} pushes instead of {number}")

    async def push(self, **body: Any) -> list[dict[str, Any]]:
        answer = await self.http.post("/control/pushes", json=body)
        assert answer.status_code == 200, answer.text
        sent: list[dict[str, Any]] = answer.json()
        return sent


@pytest.fixture
async def pushing() -> AsyncIterator[Pushing]:
    async with pushing_sandbox() as made:
        yield made


@asynccontextmanager
async def pushing_sandbox(*secrets: str) -> AsyncIterator[Pushing]:
    bridge, clock = Bridge(), Clock(time.time())  # as the library that verifies reads the clock
    app = Starlette(routes=[Route("/v1/push/rally/{workspace}", bridge.take, methods=["POST"])])
    with serving(app) as url:
        settings = SandboxSettings(rally_key="rally-key", webhook_secrets=secrets or (SECRET,), bridge_url=url)
        transport = httpx.ASGITransport(create_app(settings, clock))
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8081") as http:
            yield Pushing(bridge, http, clock)


def is_genuine(received: tuple[str, dict[str, str], bytes], secret: str = SECRET) -> bool:
    """Return whether the official library of Standard Webhooks verifies a push; only the names of headers differ."""
    _, headers, body = received
    renamed = {f"webhook-{name}": headers[f"svix-{name}"] for name in ("id", "timestamp", "signature")}
    try:
        Webhook(secret).verify(body.decode(), renamed)
    except WebhookVerificationError:
        return False
    return True


@pytest.mark.parametrize(
    ("kind", "event"), [("CSV", "person_import.csv.finished"), ("API", "person_import.api.finished")]
)
async def test_the_end_of_an_import_is_pushed_without_its_count_and_type(
    pushing: Pushing, kind: str, event: str
) -> None:
    await pushing.http.put("/control/imports/imp", json={"type": kind, "outcome": "partial", "seconds": 8})
    pushing.clock.now += 9

    sent = only(await pushing.sent(1))
    assert (sent["importId"], sent["event"], sent["status"], sent["attempt"]) == ("imp", event, 204, 1)
    received, body = only(pushing.bridge.received), only(pushing.bridge.bodies)
    assert is_genuine(received)
    assert received[0] == "default"
    assert body.keys() == {"_eventType", "importId", "status", "updatedAt", "failedRecords"}
    assert (body["_eventType"], body["status"], len(body["failedRecords"])) == (event, "COMPLETED", 3)


async def test_an_import_that_a_tool_starts_is_pushed(pushing: Pushing) -> None:
    place = IMPORTS.replace("imports", "people/import")
    made = await pushing.http.post(place, json={"people": [{"email": "a@example.com"}]}, headers=KEY)
    pushing.clock.now += 9

    assert only(await pushing.sent(1))["importId"] == made.json()["importId"]


@pytest.mark.parametrize(
    "story",
    [
        {"type": "ACTIVITIES"},
        {"push": "never"},
        {"statuses": [{"status": "UPLOADING"}]},
        {"push": "late"},
        {"seconds": 60},
    ],
)
async def test_some_imports_are_not_pushed_yet(pushing: Pushing, story: dict[str, Any]) -> None:
    await pushing.http.put("/control/imports/silent", json={"seconds": 8, **story})
    await pushing.http.put("/control/imports/heard", json={"seconds": 8})
    pushing.clock.now += 9

    assert [each["importId"] for each in await pushing.sent(1)] == ["heard"]


async def test_a_late_push_comes_after_more_than_a_minute(pushing: Pushing) -> None:
    await pushing.http.put("/control/imports/imp", json={"seconds": 8, "push": "late"})
    pushing.clock.now += 99

    assert only(await pushing.sent(1))["importId"] == "imp"


async def test_a_removed_import_is_not_pushed(pushing: Pushing) -> None:
    await pushing.http.put("/control/imports/gone", json={"seconds": 8})
    await pushing.http.delete("/control/imports/gone")
    await pushing.http.put("/control/imports/heard", json={"seconds": 8})
    pushing.clock.now += 9

    assert [each["importId"] for each in await pushing.sent(1)] == ["heard"]


async def test_a_push_that_comes_twice_is_one_message(pushing: Pushing) -> None:
    await pushing.http.put("/control/imports/imp", json={"seconds": 8, "push": "twice"})
    pushing.clock.now += 9

    first, second = await pushing.sent(2)
    assert first["messageId"] == second["messageId"]
    assert pushing.bridge.received[0][2] == pushing.bridge.received[1][2]


async def test_a_forged_push_does_not_verify_and_is_not_repeated(pushing: Pushing) -> None:
    pushing.bridge.answers.append(Response("no signature is right", 400))
    await pushing.http.put("/control/imports/imp", json={"seconds": 8, "push": "forged"})
    pushing.clock.now += 9
    assert only(await pushing.sent(1))["answer"] == "no signature is right"
    pushing.clock.now += 60
    await pushing.push(kind="test")

    assert [is_genuine(each) for each in pushing.bridge.received] == [False, True]
    assert len(await pushing.sent(2)) == 2


async def test_a_push_that_fails_is_repeated_as_the_same_message(pushing: Pushing) -> None:
    pushing.bridge.answers += [Response(status_code=503), Response(status_code=302)]
    await pushing.push(importId="imp")
    for number, pause in enumerate(RETRY_PAUSES[:2], start=2):
        pushing.clock.now += pause
        await pushing.sent(number)

    sent = await pushing.sent(3)
    assert [(each["attempt"], each["status"]) for each in sent] == [(1, 503), (2, 302), (3, 204)]
    assert len({each["messageId"] for each in sent}) == 1
    times = [int(headers["svix-timestamp"]) for _, headers, _ in pushing.bridge.received]
    assert [int(b - a) for a, b in itertools.pairwise(times)] == [5, 300]


async def test_a_push_that_the_bridge_aborts_is_not_repeated(pushing: Pushing) -> None:
    pushing.bridge.answers.append(Response(status_code=400, headers={"webhook-delivery": "abort-message"}))
    await pushing.push(importId="imp")
    pushing.clock.now += 60
    await pushing.push(importId="another")

    assert [each["importId"] for each in await pushing.sent(2)] == ["imp", "another"]


async def test_a_bridge_that_cannot_be_reached_is_named_in_the_list() -> None:
    settings = SandboxSettings(rally_key="rally-key", webhook_secrets=(SECRET,), bridge_url="http://127.0.0.1:1")
    transport = httpx.ASGITransport(create_app(settings))
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8081") as http:
        sent = only((await http.post("/control/pushes", json={})).json())

    assert (sent["status"], sent["answer"]) == (None, "ConnectError")


async def test_a_replay_has_a_fresh_signature_and_an_old_end(pushing: Pushing) -> None:
    await pushing.push(kind="replayed", importId="imp", status="ERROR")

    body = only(pushing.bridge.bodies)
    assert is_genuine(only(pushing.bridge.received))
    assert body["status"] == "ERROR"
    assert pushing.clock.now - datetime.fromisoformat(body["updatedAt"]).timestamp() > 20 * 86400


async def test_an_import_that_ended_long_ago_is_pushed_with_the_time_of_its_end(pushing: Pushing) -> None:
    await pushing.http.put("/control/imports/imp", json={"seconds": 8, "startedAgo": 30 * 86400})
    pushing.clock.now += 2

    await pushing.sent(1)
    ended = datetime.fromisoformat(only(pushing.bridge.bodies)["updatedAt"]).timestamp()
    assert pushing.clock.now - ended > 29 * 86400


async def test_the_test_event_of_the_portal_is_about_an_import_that_does_not_exist(pushing: Pushing) -> None:
    await pushing.push(kind="test")

    body = only(pushing.bridge.bodies)
    assert body["importId"].startswith("test_")
    assert (body["status"], len(body["failedRecords"])) == ("COMPLETED", 2)
    assert (await pushing.http.get(f"{IMPORTS}/{body['importId']}", headers=KEY)).status_code == 404


async def test_a_push_of_a_known_import_says_what_rally_shows(pushing: Pushing) -> None:
    await pushing.http.put("/control/imports/imp", json={"type": "API", "outcome": "failed", "seconds": 8})
    sent = await pushing.push(importId="imp", workspace="eu")

    body = only(pushing.bridge.bodies)
    assert (body["importId"], body["status"], body["_eventType"]) == ("imp", "NOT_STARTED", only(sent)["event"])
    assert only(pushing.bridge.received)[0] == "eu"


async def test_while_a_secret_is_rotated_both_sign() -> None:
    async with pushing_sandbox(SECRET, OLD_SECRET) as pushing:
        await pushing.push()
        await pushing.http.put("/control/webhook-secrets", json=[OLD_SECRET])
        await pushing.push()

    both, old = pushing.bridge.received
    assert [is_genuine(both, secret) for secret in (SECRET, OLD_SECRET)] == [True, True]
    assert [is_genuine(old, secret) for secret in (SECRET, OLD_SECRET)] == [False, True]


async def test_the_button_uploads_an_import_that_only_the_push_names(pushing: Pushing) -> None:
    assert "Upload a CSV in Rally" in (await pushing.http.get("/inbox")).text
    pressed = await pushing.http.post("/inbox/uploads", headers={"Origin": "http://127.0.0.1:8081"})
    pushing.clock.now += 6

    import_id = only(await pushing.sent(1))["importId"]
    shown = (await pushing.http.get(f"{IMPORTS}/{import_id}", headers=KEY)).json()
    assert pressed.status_code == 303
    assert (shown["type"], shown["status"], len(shown["failedRecords"])) == ("CSV", "COMPLETED", 3)
    page = (await pushing.http.get("/inbox")).text
    assert f"<code>{import_id}</code>: COMPLETED, pushed at " in page
    assert page.count(import_id) == 3, "below the button, among the imports, and among the pushes"
    assert "The message of a rule comes at about" in page

    await pushing.http.post("/inbox/services/T/B/X", json={"text": f"{import_id} ended"})
    assert "Its message is below" in (await pushing.http.get("/inbox")).text


async def test_the_sixth_upload_within_ten_minutes_comes_in_a_digest(pushing: Pushing) -> None:
    for number in range(1, 7):
        await pushing.http.post("/inbox/uploads")
        pushing.clock.now += 6
        await pushing.sent(number)
        page = (await pushing.http.get("/inbox")).text
        assert ("Its message comes in a digest" in page) == (number == 6)


async def test_without_a_secret_nothing_is_pushed_and_the_button_is_missing() -> None:
    transport = httpx.ASGITransport(create_app(SandboxSettings(rally_key="rally-key", bridge_url="http://127.0.0.1:1")))
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8081") as http:
        assert "Upload a CSV" not in (await http.get("/inbox")).text
        refused = await http.post("/control/pushes", json={})

    assert refused.status_code == 409
    assert "SANDBOX_WEBHOOK_SECRETS" in refused.text
