"""Watches that are accepted, and what the API shows of them."""

import asyncio
from typing import Any

import pytest
from structlog.testing import capture_logs

from bridge.domain.destinations import Callback
from bridge.domain.outcomes import Outcome
from bridge.domain.secret import Secret
from bridge.domain.times import MINUTE
from tests.support.world import ADMIN_KEY, CLIENT_KEY, OTHER_KEY, SECRET, World, bearer

pytestmark = pytest.mark.anyio


SLACK = {"type": "slack_webhook", "url": "https://hooks.slack.com/services/T000/B000/XXXX"}
CALLBACK = {"type": "callback", "url": "https://crm.example.com/hooks/rally"}


async def test_the_response_is_the_watch(world: World) -> None:
    await world.heartbeat()
    fields = {"label": "Q4", "metadata": {"ticket": "RES-12", "n": 1}, "notify": [SLACK, CALLBACK], "expiresIn": 60}
    answer = await world.api.post("/v1/watches", json={"importId": "imp", **fields}, headers=bearer(CLIENT_KEY))

    watch = answer.json()
    assert answer.status_code == 202
    assert answer.headers["location"] == f"/v1/watches/{watch['id']}"
    assert (watch["state"], watch["outcome"], watch["polls"], watch["createdBy"]) == ("watching", None, 0, "crm")
    assert (watch["label"], watch["metadata"]) == ("Q4", {"ticket": "RES-12", "n": 1})
    assert watch["nextPollAt"] == watch["createdAt"]
    assert await world.reload(watch) == watch


@pytest.mark.parametrize(
    ("status", "meaning", "reason"),
    [
        (401, "Rally refuses the bridge's API key", "Rally refused our key since"),
        (429, "Rally's rate limit is used up", None),
        (400, "no usable answer from Rally: HTTP 400", "no usable answer from Rally: HTTP 400"),
        (503, "no usable answer from Rally: HTTP 503", "no usable answer from Rally: HTTP 503"),
    ],
)
async def test_a_watch_shows_what_the_last_poll_found(
    world: World, status: int, meaning: str, reason: str | None
) -> None:
    watch = await world.watch()
    await world.sandbox.faults(status=status, times=1)
    await world.poll()

    shown = await world.reload(watch)
    assert (shown["lastPoll"]["status"], shown["lastPoll"]["meaning"]) == (status, meaning)
    assert shown["lastPoll"]["at"] > watch["createdAt"]
    assert (shown["reason"] or "").startswith(reason or "")
    assert (shown["reason"] is None) == (reason is None)
    joined = await world.watch()
    assert joined["lastPoll"] == shown["lastPoll"], "the answer to a POST shows it too"


async def test_an_import_that_was_never_polled_shows_the_trouble_of_its_workspace(world: World) -> None:
    await world.watch("first")
    await world.sandbox.faults(status=401, times=1)
    await world.poll()
    watch = await world.watch("second")

    shown = await world.reload(watch)
    assert shown["lastPoll"] is None
    assert shown["reason"].startswith("Rally refused our key since")


async def test_a_settled_watch_keeps_what_the_last_poll_found(world: World) -> None:
    await world.sandbox.set_import("imp", ("COMPLETED", 0))
    watch = await world.watch()
    await world.poll()

    shown = await world.reload(watch)
    assert (shown["lastPoll"]["status"], shown["lastPoll"]["meaning"]) == (200, "Rally reports COMPLETED")


async def test_the_ids_of_watches_sort_by_time(world: World) -> None:
    first = await world.watch()
    await asyncio.sleep(0.002)
    second = await world.watch()

    assert first["id"] < second["id"]


@pytest.mark.parametrize(
    ("headers", "title"),
    [
        ({}, "The API key is missing"),
        ({"Authorization": "Basic abc"}, "The API key is missing"),
        ({"Authorization": "Bearer"}, "The API key is missing"),
        ({"Authorization": "Bearer "}, "The API key is missing"),
        (bearer("rbk_wrong-key"), "The API key is invalid"),
        (bearer(CLIENT_KEY[:-1]), "The API key is invalid"),
        (bearer(CLIENT_KEY + "x"), "The API key is invalid"),
    ],
)
async def test_a_call_without_a_valid_key_changes_nothing(world: World, headers: dict[str, str], title: str) -> None:
    for answer in (
        await world.api.post("/v1/watches", json={"importId": "imp"}, headers=headers),
        await world.api.get("/v1/watches/wat_x", headers=headers),
    ):
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"].startswith("Bearer")
        assert answer.json()["title"] == title
    assert set(await world.resources.store.call("KEYS", "rb:*")) == {"rb:store_key", "rb:schema"}


async def test_a_watch_is_visible_to_its_client_and_to_admins_only(world: World) -> None:
    watch = await world.watch()
    path = f"/v1/watches/{watch['id']}"

    assert (await world.api.get(path, headers=bearer(CLIENT_KEY))).status_code == 200
    assert (await world.api.get(path, headers=bearer(ADMIN_KEY))).status_code == 200
    hidden = await world.api.get(path, headers=bearer(OTHER_KEY))
    unknown = await world.api.get("/v1/watches/wat_unknown", headers=bearer(OTHER_KEY))
    assert (hidden.status_code, hidden.json()) == (404, unknown.json())


async def test_a_fingerprint_distinguishes_destinations_in_a_watch_its_deliveries_and_the_log(world: World) -> None:
    await world.sandbox.set_import("imp", ("COMPLETED", 0))
    urls = [world.sandbox.callback_url(name) for name in ("crm", "billing")]
    watch = await world.watch(notify=[{"type": "callback", "url": url} for url in urls])
    with capture_logs() as lines:
        await world.poll()
        await world.deliver()

    crm, billing = [each["fingerprint"] for each in watch["notify"]]
    assert crm != billing
    assert [each["fingerprint"] for each in (await world.reload(watch))["deliveries"]] == [crm, billing]
    logged = [line["fingerprint"] for line in lines if line["event"] == "delivery.attempted"]
    assert sorted(logged) == sorted([crm, billing])


@pytest.mark.parametrize(
    ("on", "shown"),
    [
        ({}, "always"),
        ({"on": None}, "always"),
        ({"on": "always"}, "always"),
        ({"on": "problems"}, "problems"),
        ({"on": ["failed", "completed"]}, ["completed", "failed"]),
        ({"on": [each.value for each in Outcome if each is not Outcome.COMPLETED]}, "problems"),
    ],
)
async def test_a_watch_shows_its_destinations_without_secrets_from_the_first_response(
    world: World, on: dict[str, Any], shown: Any
) -> None:
    watch = await world.watch(notify=[{**CALLBACK, "secret": SECRET, "headers": {"X-Api-Key": "k"}, **on}])

    fingerprint = world.resources.fingerprint(Callback(url=Secret(CALLBACK["url"])))
    described = {"type": "callback", "destination": "https://crm.example.com/…", "fingerprint": fingerprint}
    assert watch["notify"] == [{**described, "on": shown}]
    assert (await world.reload(watch))["notify"] == watch["notify"]
    assert (await world.post(f"/v1/watches/{watch['id']}/cancel")).json()["notify"] == watch["notify"]


@pytest.mark.parametrize(
    ("status", "skipped"), [(None, False), ("UPLOADING", False), ("ERROR", False), ("COMPLETED", True)]
)
async def test_problems_are_all_outcomes_but_completed(world: World, status: str | None, *, skipped: bool) -> None:
    if status is not None:
        await world.sandbox.set_import("imp", (status, 0))
    notify = [{"type": "callback", "url": world.sandbox.callback_url(), "on": "problems"}]
    watch = await world.watch(notify=notify, expiresIn=1200)
    for _ in range(25):
        await world.poll()
        world.pass_time(MINUTE)
    await world.sweep()

    assert [each["state"] == "skipped" for each in (await world.reload(watch))["deliveries"]] == [skipped]


async def test_line_breaks_in_values_are_kept(world: World) -> None:
    metadata = {"of\tmany": "two\nlines\tand a tab, é, 🎉"}

    assert (await world.watch(metadata=metadata, label="two\nlines"))["metadata"] == metadata


@pytest.mark.parametrize("import_id", ["a/b", "../../people", "a b", "ü€", "a%2Fb", "x" * 200, "a?b#c"])
async def test_an_import_id_is_opaque(world: World, import_id: str) -> None:
    watch = await world.watch(import_id)

    assert watch["importId"] == import_id
    await world.poll()
    assert [request["importId"] for request in await world.sandbox.requests()] == [import_id]


async def test_a_callback_may_have_its_own_secret(world: World) -> None:
    assert await world.watch(notify=[{**CALLBACK, "secret": SECRET, "headers": {"X-Api-Key": "k"}}])


async def test_an_unknown_path_and_a_wrong_method_are_problems_as_well(world: World) -> None:
    for answer, status, code, detail in (
        (await world.api.get("/nowhere"), 404, "not_found", "There is no such path; /docs describes all of them."),
        (
            await world.api.put("/v1/watches"),
            405,
            "method_not_allowed",
            "The methods here are GET, HEAD, OPTIONS, POST.",
        ),
    ):
        assert answer.status_code == status
        assert answer.headers["content-type"] == "application/problem+json"
        assert (answer.json()["code"], answer.json()["detail"]) == (code, detail)


async def test_health_distinguishes_alive_and_ready(world: World) -> None:
    assert (await world.api.get("/healthz")).json() == {"status": "alive"}
    ready = await world.api.get("/readyz")
    assert ready.json() == {"status": "ready", "redis": "ok", "workers": [], "apis": []}


async def test_a_full_redis_is_a_503_and_nothing_changes(world: World) -> None:
    await world.resources.store.call("CONFIG", "SET", "maxmemory", 1)
    try:
        answer = await world.api.post("/v1/watches", json={"importId": "imp"}, headers=bearer(CLIENT_KEY))
        ready = await world.api.get("/readyz")
    finally:
        await world.resources.store.call("CONFIG", "SET", "maxmemory", 0)

    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
    assert answer.headers["content-type"] == "application/problem+json"
    assert ready.status_code == 503
    assert "OOM" in ready.json()["redis"]
    assert await world.resources.store.call("KEYS", "rb:watch*") == []
