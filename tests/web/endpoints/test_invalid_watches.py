"""Watches that are refused: every problem is named, and nothing changes."""

import json
from typing import Any

import pytest

from bridge.web.requests.body import BODY_LIMIT
from tests.support.configuration import destination
from tests.support.world import ADMIN_KEY, CLIENT_KEY, World, bearer, opened

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


@pytest.mark.parametrize("body", ["", "not json", "{", "[1,", '"\\ud800"', b"\xff\xfe"])
async def test_a_body_that_is_not_json_is_refused(world: World, body: str | bytes) -> None:
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
        ({"importId": "imp", "nudgeAfter": 0}, "/nudgeAfter"),
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
async def test_an_invalid_field_is_named_by_its_pointer(world: World, body: Any, pointer: str) -> None:
    problem = await refused(world, body)

    assert [error["pointer"] for error in problem["errors"]] == [pointer]
    assert all(error["detail"] for error in problem["errors"])


async def test_each_invalid_header_is_named(world: World) -> None:
    headers = {"Host": "x", "X-A": "x", "x-a": "y", "X-Good": "y", "Bad Name": "z", "X-Empty": ""}
    problem = await refused(world, {"importId": "imp", "notify": [{**CALLBACK, "headers": headers}]})

    named = [error["pointer"].removeprefix("/notify/0/headers/") for error in problem["errors"]]
    assert named == ["Host", "X-A", "x-a", "Bad Name", "X-Empty"]
    assert {error["code"] for error in problem["errors"]} == {"invalid_header"}


@pytest.mark.parametrize(
    "same",
    [
        CALLBACK,
        {**CALLBACK, "on": ["failed"], "headers": {"X-A": "b"}},
        {**CALLBACK, "url": "HTTPS://CRM.Example.com:443/hooks/./r%61lly?"},
    ],
)
async def test_the_same_destination_twice_is_refused(redis_url: str, sandbox_url: str, same: dict[str, Any]) -> None:
    async with opened(redis_url, sandbox_url, destination("crm", "callback", CALLBACK["url"])) as world:
        problem = await refused(world, {"importId": "imp", "notify": [SLACK, CALLBACK, same]})

        (error,) = problem["errors"]
        assert (error["pointer"], error["code"]) == ("/notify/2", "duplicate_destination")
        assert "/notify/1" in error["detail"]
        assert await world.watch(notify=[SLACK, CALLBACK, {**CALLBACK, "url": f"{CALLBACK['url']}/2"}])


async def test_only_an_admin_learns_that_a_named_destination_is_the_same_as_another(
    redis_url: str, sandbox_url: str
) -> None:
    notify = [CALLBACK, {"type": "named", "name": "crm"}]
    async with opened(redis_url, sandbox_url, destination("crm", "callback", CALLBACK["url"])) as world:
        refused_twice = await refused(world, {"importId": "imp", "notify": [notify[1], notify[1]]})
        assert await world.watch(notify=notify)
        to_admin = await world.post("/v1/watches", key=ADMIN_KEY, json={"importId": "imp", "notify": notify})

        assert [error["pointer"] for error in refused_twice["errors"]] == ["/notify/1"]
        assert [error["code"] for error in to_admin.json()["errors"]] == ["duplicate_destination"]


@pytest.mark.parametrize(("wrong", "count"), [(100, None), (101, 101), (5000, 5000)])
async def test_the_first_of_many_problems_are_listed_and_all_are_counted(
    world: World, wrong: int, count: int | None
) -> None:
    problem = await refused(world, {"importId": "imp", **{f"x{number}": 1 for number in range(wrong)}})

    assert problem["errors"] == [
        {"pointer": f"/x{number}", "detail": "There is no such field", "code": "unknown_field"} for number in range(100)
    ]
    assert problem.get("errorCount") == count


async def test_the_response_to_an_invalid_batch_is_smaller_than_the_batch(world: World) -> None:
    batch = {"watches": [{f"{number:03x}": 1 for number in range(1024)}] * 70}
    answer = await world.post("/v1/watches/batch", json=batch)

    assert {each["problem"]["errorCount"] for each in answer.json()["results"]} == {1025}
    assert len(answer.content) < int(answer.request.headers["content-length"])


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
async def test_a_forbidden_address_is_refused_with_a_code(world: World, url: str) -> None:
    problem = await refused(world, {"importId": "imp", "notify": [{"type": "callback", "url": url}]})

    (error,) = problem["errors"]
    assert error["pointer"] == "/notify/0/url"
    assert error["code"]
    assert "hunter2" not in error["detail"]


@pytest.mark.parametrize("channel", ["#general", "general", "c0123abcd", "C0123ABCD\n", "", "U0123ABCD", "C" * 40])
async def test_a_channel_name_is_refused_and_its_id_is_asked_for(world: World, channel: str) -> None:
    problem = await refused(world, {"importId": "imp", "notify": [{"type": "slack", "channel": channel}]})

    (error,) = problem["errors"]
    assert error["pointer"] == "/notify/0/channel"
    assert "Must be the channel's id, such as C0123ABCD" in error["detail"]


async def test_a_secret_in_a_refused_body_is_not_in_the_response(world: World) -> None:
    secret = {**CALLBACK, "secret": "hush-hush", "headers": {"Bad Name": "hush-hush"}}
    problem = await refused(world, {"importId": "imp", "notify": [secret]})

    assert "hush" not in json.dumps(problem)


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
async def test_only_json_in_utf_8_is_accepted(world: World, content_type: str | None, status: int) -> None:
    headers = bearer(CLIENT_KEY) | ({} if content_type is None else {"Content-Type": content_type})
    answer = await world.api.post("/v1/watches", content=b'{"importId": "imp"}', headers=headers)

    assert answer.status_code == status


@pytest.mark.parametrize(
    ("encoding", "status"), [("identity", 202), ("", 202), ("gzip", 415), ("identity, GZIP", 415), ("none", 415)]
)
async def test_an_encoded_body_is_refused(world: World, encoding: str, status: int) -> None:
    answer = await world.post("/v1/watches", json={"importId": "imp"}, **{"Content-Encoding": encoding})

    assert answer.status_code == status
    assert status == 202 or "Content-Encoding" in answer.json()["detail"]


async def test_a_body_over_the_limit_is_refused(world: World) -> None:
    await refused(world, '{"importId": "' + "x" * BODY_LIMIT + '"}', status=413)
