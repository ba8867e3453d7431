"""The simulated Rally: imports, its rate limit, and faults on request."""

from collections.abc import AsyncIterator
from datetime import datetime
from typing import Any

import httpx
import pytest

from bridge.web.openapi.examples import WATCH
from tests.support.samples import only
from tests.support.sandbox_app import IMPORTS, KEY, START, Clock, running_sandbox

pytestmark = pytest.mark.anyio


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def sandbox(clock: Clock) -> AsyncIterator[httpx.AsyncClient]:
    async with running_sandbox(clock) as client:
        yield client


async def test_importing_people_creates_an_import(sandbox: httpx.AsyncClient, clock: Clock) -> None:
    place = IMPORTS.replace("imports", "people/import")
    assert (await sandbox.post(place, json={"people": []})).status_code == 401
    answer = await sandbox.post(place, json={"people": [{"email": "a@example.com"}] * 7}, headers=KEY)
    clock.now += 60
    shown = (await sandbox.get(f"{IMPORTS}/{answer.json()['importId']}", headers=KEY)).json()

    assert answer.json()["count"] == 7
    assert (shown["type"], shown["status"], shown["personCount"]) == ("API", "COMPLETED", 7)


async def test_an_import_passes_through_its_statuses(sandbox: httpx.AsyncClient, clock: Clock) -> None:
    await sandbox.put("/control/limit", json={"limit": 99, "window": 60})
    await sandbox.put("/control/imports/imp", json={"outcome": "partial", "seconds": 8, "people": 100, "type": "API"})

    shown: dict[str, Any] = {}
    seen = []
    for _ in range(6):
        shown = (await sandbox.get(f"{IMPORTS}/imp", headers=KEY)).json()
        seen.append((shown["status"], shown["personCount"], len(shown["failedRecords"])))
        clock.now += 2

    assert [status for status, _, _ in seen] == ["NOT_STARTED", *["UPLOADING"] * 3, "COMPLETED", "COMPLETED"]
    people = [count for _, count, _ in seen]
    assert people == sorted(people)
    assert people[-1] == 100
    assert seen[-1][2] == 3
    assert shown.keys() == {"importId", "type", "status", "personCount", "failedRecords", "updatedAt"}
    assert datetime.fromisoformat(shown["updatedAt"]).tzinfo is not None


async def test_without_the_key_rally_answers_401(sandbox: httpx.AsyncClient) -> None:
    for headers in ({}, {"Authorization": "Bearer wrong"}):
        answer = await sandbox.get(f"{IMPORTS}/imp", headers=headers)
        assert (answer.status_code, answer.text) == (401, "Unauthorized")
        assert answer.headers["content-type"].startswith("text/plain")
        assert answer.headers["x-ratelimit-limit"] == "3"


async def test_an_unknown_import_is_a_404_without_rate_limit_headers(sandbox: httpx.AsyncClient) -> None:
    answer = await sandbox.get(f"{IMPORTS}/nothing", headers=KEY)

    assert (answer.status_code, answer.text) == (404, "Import not found")
    assert not [name for name in answer.headers if name.startswith("x-ratelimit")]


async def test_requests_over_the_rate_limit_are_refused_until_the_next_window(
    sandbox: httpx.AsyncClient, clock: Clock
) -> None:
    await sandbox.put("/control/imports/imp", json={})
    answers = [await sandbox.get(f"{IMPORTS}/imp", headers=KEY) for _ in range(4)]

    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    assert [answer.headers["x-ratelimit-remaining"] for answer in answers] == ["2", "1", "0", "0"]
    reset = int(answers[0].headers["x-ratelimit-reset"])
    assert int(answers[3].headers["retry-after"]) == reset - START
    assert answers[3].text == "Too Many Requests"

    clock.now = reset
    assert (await sandbox.get(f"{IMPORTS}/imp", headers=KEY)).status_code == 200
    assert (await sandbox.get("/control/windows")).json()["taken"] == {str(reset): 3, str(reset + 60): 1}
    record = (await sandbox.get("/control/requests")).json()
    assert [each["overLimit"] for each in record] == [False, False, False, True, False]


@pytest.mark.parametrize("import_id", ["a/b", "../../people", "a b", "ü", "a%2Fb"])
async def test_an_import_id_is_one_opaque_path_segment(sandbox: httpx.AsyncClient, import_id: str) -> None:
    encoded = "".join(f"%{byte:02X}" for byte in import_id.encode())
    await sandbox.get(f"{IMPORTS}/{encoded}", headers=KEY)

    assert only((await sandbox.get("/control/requests")).json())["importId"] == import_id


@pytest.mark.parametrize(
    ("import_id", "status", "failed"),
    [
        ("demo-completed-1", "COMPLETED", None),
        ("demo-partial-x", "COMPLETED", 3),
        ("demo-failed-1", "ERROR", None),
        (WATCH["importId"], "COMPLETED", None),
    ],
)
async def test_a_demo_id_creates_its_import(
    sandbox: httpx.AsyncClient, clock: Clock, import_id: str, status: str, failed: int | None
) -> None:
    assert (await sandbox.get(f"{IMPORTS}/{import_id}", headers=KEY)).json()["status"] == "NOT_STARTED"
    clock.now += 8
    shown = (await sandbox.get(f"{IMPORTS}/{import_id}", headers=KEY)).json()

    assert shown["status"] == status
    assert (None if shown["failedRecords"] is None else len(shown["failedRecords"])) == failed


@pytest.mark.parametrize("status", [401, 403, 404, 429, 500, 503])
async def test_a_fault_is_returned_the_requested_number_of_times(sandbox: httpx.AsyncClient, status: int) -> None:
    await sandbox.put("/control/imports/imp", json={})
    await sandbox.post("/control/faults", json={"status": status, "times": 2, "retryAfter": 9, "importId": "imp"})

    answers = [await sandbox.get(f"{IMPORTS}/imp", headers=KEY) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [status, status, 200]
    assert answers[0].headers["retry-after"] == "9"


async def test_a_fault_may_have_absurd_headers(sandbox: httpx.AsyncClient) -> None:
    fault = {"kind": "garbage", "headers": {"X-RateLimit-Reset": "inf"}}
    await sandbox.post("/control/faults", json=fault)

    assert (await sandbox.get(f"{IMPORTS}/imp", headers=KEY)).headers["x-ratelimit-reset"] == "inf"
