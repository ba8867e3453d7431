"""Creating and reading watches: responses, and refusals with their problem documents."""

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import pytest
from anyio.from_thread import BlockingPortal, start_blocking_portal
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from bridge.domain.outcomes import Outcome
from bridge.domain.times import MINUTE
from bridge.web.body import BODY_LIMIT
from tests.support.configuration import destination
from tests.support.world import ADMIN_KEY, CLIENT_KEY, OTHER_KEY, SECRET, World, bearer, opened

pytestmark = pytest.mark.anyio

SLACK = {"type": "slack_webhook", "url": "https://hooks.slack.com/services/T000/B000/XXXX"}
CALLBACK = {"type": "callback", "url": "https://crm.example.com/hooks/rally"}


async def refused(world: World, body: Any, *, status: int = 422) -> dict[str, Any]:
    """POST a body that must be refused, and check that nothing changed."""
    content = body if isinstance(body, str | bytes) else json.dumps(body)
    headers = {**bearer(CLIENT_KEY), "Content-Type": "application/json"}
    answer = await world.api.post("/v1/watches", content=content, headers=headers)
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    counted = {"rb:calls:crm"}  # that the client has called
    assert set(await world.resources.store.call("KEYS", "rb:*")) - counted == {"rb:store_key", "rb:schema"}
    problem: dict[str, Any] = answer.json()
    assert problem["status"] == status
    assert problem["title"]
    return problem


async def test_a_watch_is_answered_with_what_is_known_of_it(world: World) -> None:
    fields = {"label": "Q4", "metadata": {"ticket": "RES-12", "n": 1}, "notify": [SLACK, CALLBACK], "expiresIn": 60}
    answer = await world.api.post("/v1/watches", json={"importId": "imp", **fields}, headers=bearer(CLIENT_KEY))

    watch = answer.json()
    assert answer.status_code == 202
    assert answer.headers["location"] == f"/v1/watches/{watch['id']}"
    assert (watch["state"], watch["outcome"], watch["polls"], watch["createdBy"]) == ("watching", None, 0, "crm")
    assert (watch["label"], watch["metadata"]) == ("Q4", {"ticket": "RES-12", "n": 1})
    assert watch["nextPollAt"] == watch["createdAt"]
    assert await world.reload(watch) == watch


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
async def test_without_a_known_key_nothing_is_done(world: World, headers: dict[str, str], title: str) -> None:
    for answer in (
        await world.api.post("/v1/watches", json={"importId": "imp"}, headers=headers),
        await world.api.get("/v1/watches/wat_x", headers=headers),
    ):
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"].startswith("Bearer")
        assert answer.json()["title"] == title
    assert set(await world.resources.store.call("KEYS", "rb:*")) == {"rb:store_key", "rb:schema"}


async def test_a_watch_is_seen_by_its_client_and_by_admins_only(world: World) -> None:
    watch = await world.watch()
    path = f"/v1/watches/{watch['id']}"

    assert (await world.api.get(path, headers=bearer(CLIENT_KEY))).status_code == 200
    assert (await world.api.get(path, headers=bearer(ADMIN_KEY))).status_code == 200
    hidden = await world.api.get(path, headers=bearer(OTHER_KEY))
    unknown = await world.api.get("/v1/watches/wat_unknown", headers=bearer(OTHER_KEY))
    assert (hidden.status_code, hidden.json()) == (404, unknown.json())


@pytest.mark.parametrize("body", ["", "not json", "{", "[1,", '"\\ud800"', b"\xff\xfe"])
async def test_a_body_that_is_not_json_is_told_so(world: World, body: str | bytes) -> None:
    assert (await refused(world, body, status=400))["title"] == "The body is not valid JSON"


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ([], ""),
        ("null", ""),
        ({}, "/importId"),
        ({"importId": ""}, "/importId"),
        ('{"importId": "imp", "metadata": {"n": NaN}}', "/metadata/n"),
        ({"importId": 7}, "/importId"),
        ({"importId": None}, "/importId"),
        ({"importId": "."}, "/importId"),
        ({"importId": ".."}, "/importId"),
        ({"importId": "a\nb"}, "/importId"),
        ({"importId": "   "}, "/importId"),
        ({"importId": " imp"}, "/importId"),
        ({"importId": "imp\u00a0"}, "/importId"),
        ({"importId": "\u200b"}, "/importId"),
        ({"importId": "imp\u200b"}, "/importId"),
        ({"importId": "i\u2060mp"}, "/importId"),
        ({"importId": "\u3164"}, "/importId"),
        ({"importId": "imp\U000e0041"}, "/importId"),
        ({"importId": "x" * 201}, "/importId"),
        ({"importId": "imp", "nofity": []}, "/nofity"),
        ({"importId": "imp", "import_id": "imp"}, "/import_id"),
        ({"importId": "imp", "label": ""}, "/label"),
        ({"importId": "imp", "label": "x" * 301}, "/label"),
        ({"importId": "imp", "metadata": {"deep": {"er": 1}}}, "/metadata/deep"),
        ({"importId": "imp", "label": "a\x00b"}, "/label"),
        ({"importId": "imp", "metadata": {"ticket": "a\x00b"}}, "/metadata/ticket"),
        ({"importId": "imp", "metadata": {"ticket": "\x1b[2J"}}, "/metadata/ticket"),
        ({"importId": "imp", "metadata": {"a\x7fb": 1}}, "/metadata/a\x7fb"),
        ({"importId": "imp", "metadata": {"": 1}}, "/metadata/"),
        ({"importId": "imp", "metadata": {"x" * 101: 1}}, "/metadata/" + "x" * 101),
        ('{"importId": "imp", "metadata": {"n": 1e999}}', "/metadata/n"),
        ('{"importId": "imp", "metadata": {"n": ' + "9" * 100 + "}}", "/metadata/n"),
        ({"importId": "imp", "metadata": {str(n): n for n in range(51)}}, "/metadata"),
        ({"importId": "imp", "workspace": "other"}, "/workspace"),
        ({"importId": "imp", "expiresIn": 0}, "/expiresIn"),
        ({"importId": "imp", "expiresIn": 2_592_001}, "/expiresIn"),
        ({"importId": "imp", "expiresIn": "60"}, "/expiresIn"),
        ({"importId": "imp", "expiresIn": 1.5}, "/expiresIn"),
        ({"importId": "imp", "notify": {}}, "/notify"),
        ({"importId": "imp", "notify": [SLACK] * 11}, "/notify"),
        ({"importId": "imp", "notify": [{"type": "pigeon"}]}, "/notify/0/type"),
        ({"importId": "imp", "notify": [{"url": "https://x.example"}]}, "/notify/0/type"),
        ({"importId": "imp", "notify": ["pigeon"]}, "/notify/0"),
        ({"importId": "imp", "notify": [{"type": "callback"}]}, "/notify/0/url"),
        ({"importId": "imp", "notify": [SLACK, {**CALLBACK, "on": []}]}, "/notify/1/on"),
        ({"importId": "imp", "notify": [{**CALLBACK, "on": ["finished"]}]}, "/notify/0/on/0"),
        ({"importId": "imp", "notify": [{**CALLBACK, "secret": "hush"}]}, "/notify/0/secret"),
        ({"importId": "imp", "notify": [{**CALLBACK, "on": "sometimes"}]}, "/notify/0/on"),
        ({"importId": "imp", "notify": [{**CALLBACK, "on": 7}]}, "/notify/0/on"),
        ({"importId": "imp", "notify": [{**CALLBACK, "headers": {"Host": "x"}}]}, "/notify/0/headers/Host"),
        ({"importId": "imp", "notify": [{**CALLBACK, "headers": {"webhook-id": "x"}}]}, "/notify/0/headers/webhook-id"),
        ({"importId": "imp", "notify": [{**CALLBACK, "headers": {"a/b": "x"}}]}, "/notify/0/headers/a~1b"),
        ({"importId": "imp", "notify": [{**CALLBACK, "colour": "red"}]}, "/notify/0/colour"),
        ({"importId": "imp", "notify": [{**SLACK, "url": "https://evil.example/services/T/B/X"}]}, "/notify/0/url"),
        ({"importId": "imp", "notify": [{**SLACK, "url": "https://hooks.slack.com/triggers/T/1/x"}]}, "/notify/0/url"),
    ],
)
async def test_a_wrong_field_is_named_by_its_place(world: World, body: Any, pointer: str) -> None:
    problem = await refused(world, body)

    assert [error["pointer"] for error in problem["errors"]] == [pointer]
    assert all(error["detail"] for error in problem["errors"])


async def test_each_bad_header_is_named(world: World) -> None:
    headers = {"Host": "x", "X-A": "x", "x-a": "y", "X-Good": "y", "Bad Name": "z", "X-Empty": ""}
    problem = await refused(world, {"importId": "imp", "notify": [{**CALLBACK, "headers": headers}]})

    named = [error["pointer"].removeprefix("/notify/0/headers/") for error in problem["errors"]]
    assert named == ["Host", "X-A", "x-a", "Bad Name", "X-Empty"]
    assert {error["code"] for error in problem["errors"]} == {"invalid_header"}


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
async def test_a_watch_shows_its_destinations_without_secrets_from_the_first_answer_on(
    world: World, on: dict[str, Any], shown: Any
) -> None:
    watch = await world.watch(notify=[{**CALLBACK, "secret": SECRET, "headers": {"X-Api-Key": "k"}, **on}])

    assert watch["notify"] == [{"type": "callback", "destination": "https://crm.example.com/…", "on": shown}]
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


@pytest.mark.parametrize(
    "same",
    [
        CALLBACK,
        {**CALLBACK, "on": ["failed"], "headers": {"X-A": "b"}},
        {**CALLBACK, "url": "HTTPS://CRM.Example.com:443/hooks/./r%61lly?"},
        {"type": "named", "name": "crm"},
    ],
)
async def test_the_same_destination_twice_is_refused(redis_url: str, sandbox_url: str, same: dict[str, Any]) -> None:
    async with opened(redis_url, sandbox_url, destination("crm", "callback", CALLBACK["url"])) as world:
        problem = await refused(world, {"importId": "imp", "notify": [SLACK, CALLBACK, same]})

        (error,) = problem["errors"]
        assert (error["pointer"], error["code"]) == ("/notify/2", "duplicate_destination")
        assert "/notify/1" in error["detail"]
        assert await world.watch(notify=[SLACK, CALLBACK, {**CALLBACK, "url": f"{CALLBACK['url']}/2"}])


@pytest.mark.parametrize(("wrong", "count"), [(100, None), (101, 101), (5000, 5000)])
async def test_of_very_many_problems_the_first_are_named_and_all_are_counted(
    world: World, wrong: int, count: int | None
) -> None:
    problem = await refused(world, {"importId": "imp", **{f"x{number}": 1 for number in range(wrong)}})

    assert problem["errors"] == [
        {"pointer": f"/x{number}", "detail": "There is no such field", "code": "unknown_field"} for number in range(100)
    ]
    assert problem.get("errorCount") == count


async def test_a_batch_of_nothing_but_faults_is_answered_with_less_than_was_sent(world: World) -> None:
    batch = {"watches": [{f"{number:03x}": 1 for number in range(1024)}] * 70}
    answer = await world.post("/v1/watches/batch", json=batch)

    assert {each["problem"]["errorCount"] for each in answer.json()["results"]} == {1025}
    assert len(answer.content) < int(answer.request.headers["content-length"])


async def test_what_has_several_lines_is_taken_as_it_is(world: World) -> None:
    metadata = {"of\tmany": "two\nlines\tand a tab, é, 🎉"}

    assert (await world.watch(metadata=metadata, label="two\nlines"))["metadata"] == metadata


async def test_every_problem_is_named_at_once(world: World) -> None:
    notify = [{"type": "callback", "url": "http://169.254.169.254/"}, {"type": "pigeon"}]
    problem = await refused(world, {"importId": 7, "label": "", "x": 1, "notify": notify})

    pointers = {error["pointer"] for error in problem["errors"]}
    assert pointers == {"/importId", "/label", "/x", "/notify/0/url", "/notify/1/type"}


@pytest.mark.parametrize(
    "url",
    [
        "http://169.254.169.254/",
        "http://10.0.0.1/",
        "http://127.0.0.1:1/",
        "http://localhost/",
        "http://[::1]/",
        "http://2130706433/",
        "https://user:hunter2@crm.example.com/",
        "ftp://crm.example.com/",
        "https://crm.example.com:6379/",
        "not a url",
    ],
)
async def test_a_destination_that_must_not_be_reached_is_refused_with_a_code(world: World, url: str) -> None:
    problem = await refused(world, {"importId": "imp", "notify": [{"type": "callback", "url": url}]})

    (error,) = problem["errors"]
    assert error["pointer"] == "/notify/0/url"
    assert error["code"]
    assert "hunter2" not in error["detail"]


@pytest.mark.parametrize("channel", ["#general", "general", "c0123abcd", "C0123ABCD\n", "", "U0123ABCD", "C" * 40])
async def test_a_channel_by_its_name_is_told_to_be_named_by_its_id(world: World, channel: str) -> None:
    problem = await refused(world, {"importId": "imp", "notify": [{"type": "slack", "channel": channel}]})

    (error,) = problem["errors"]
    assert error["pointer"] == "/notify/0/channel"
    assert "Must be the channel's id, such as C0123ABCD" in error["detail"]


async def test_a_secret_in_a_refused_body_is_not_repeated(world: World) -> None:
    secret = {**CALLBACK, "secret": "hush-hush", "headers": {"Bad Name": "hush-hush"}}
    problem = await refused(world, {"importId": "imp", "notify": [secret]})

    assert "hush" not in json.dumps(problem)


@pytest.mark.parametrize("import_id", ["a/b", "../../people", "a b", "ü€", "a%2Fb", "x" * 200, "a?b#c"])
async def test_an_import_id_is_opaque(world: World, import_id: str) -> None:
    watch = await world.watch(import_id)

    assert watch["importId"] == import_id
    await world.poll()
    assert [request["importId"] for request in await world.sandbox.requests()] == [import_id]


@pytest.mark.parametrize(
    ("content_type", "status"),
    [
        ("application/json; charset=utf-8", 202),
        ('application/json;charset="UTF-8"', 202),
        ("application/json; profile=x", 202),
        ("Application/JSON", 202),
        ("application/json; charset=iso-8859-1", 415),
        ("application/json; profile=x; Charset=UTF-16", 415),
        ("text/plain", 415),
        (None, 415),
    ],
)
async def test_only_json_is_read(world: World, content_type: str | None, status: int) -> None:
    headers = bearer(CLIENT_KEY) | ({} if content_type is None else {"Content-Type": content_type})
    answer = await world.api.post("/v1/watches", content=b'{"importId": "imp"}', headers=headers)

    assert answer.status_code == status


@pytest.mark.parametrize(
    ("encoding", "status"), [("identity", 202), ("", 202), ("gzip", 415), ("identity, GZIP", 415), ("none", 415)]
)
async def test_a_body_that_calls_itself_encoded_is_not_read(world: World, encoding: str, status: int) -> None:
    answer = await world.post("/v1/watches", json={"importId": "imp"}, **{"Content-Encoding": encoding})

    assert answer.status_code == status
    assert status == 202 or "Content-Encoding" in answer.json()["detail"]


async def test_a_body_over_the_limit_is_refused(world: World) -> None:
    await refused(world, '{"importId": "' + "x" * BODY_LIMIT + '"}', status=413)


async def test_a_callback_secret_of_ones_own_is_taken(world: World) -> None:
    assert await world.watch(notify=[{**CALLBACK, "secret": SECRET, "headers": {"X-Api-Key": "k"}}])


async def test_an_unknown_page_and_a_wrong_method_are_problems_as_well(world: World) -> None:
    for answer, status in (
        (await world.api.get("/nowhere"), 404),
        (await world.api.put("/v1/watches", headers=bearer(CLIENT_KEY)), 405),
    ):
        assert answer.status_code == status
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["title"]


async def test_health_tells_alive_from_ready(world: World) -> None:
    assert (await world.api.get("/healthz")).json() == {"status": "alive"}
    ready = await world.api.get("/readyz")
    assert ready.json() == {"status": "ready", "redis": "ok", "workers": "none seen"}


async def test_a_redis_that_is_full_is_a_503_that_loses_and_changes_nothing(world: World) -> None:
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


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=30),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=12,
)
FIELDS = st.sampled_from(["importId", "notify", "label", "metadata", "expiresIn", "workspace", "type", "url", "on", ""])


@hypothesis_settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(body=st.binary(max_size=60) | JSON.map(json.dumps) | st.dictionaries(FIELDS, JSON).map(json.dumps))
def test_no_body_ends_in_a_5xx(bodies: "Bodies", body: str | bytes) -> None:
    assert bodies.post(body) in {202, 400, 422}


class Bodies:
    """Posts bodies for Hypothesis, which is not async."""

    def __init__(self, portal: BlockingPortal, world: World) -> None:
        self._portal = portal
        self._world = world

    def post(self, body: str | bytes) -> int:
        return self._portal.call(self._post, body)

    async def _post(self, body: str | bytes) -> int:
        headers = {**bearer(CLIENT_KEY), "Content-Type": "application/json"}
        return (await self._world.api.post("/v1/watches", content=body, headers=headers)).status_code


@pytest.fixture
def bodies(redis_url: str, sandbox_url: str) -> Iterator[Bodies]:
    with (
        start_blocking_portal() as portal,
        portal.wrap_async_context_manager(opened(redis_url, sandbox_url, CLIENT_RATE_LIMIT="1000000")) as world,
    ):
        yield Bodies(portal, world)
