"""Requests that two parsers may interpret differently are refused and change nothing."""

import json
import socket
from urllib.parse import urlsplit

import pytest

from bridge.web.app import build
from bridge.web.requests.duplicate_json_names import duplicate_names
from tests.support.world import CLIENT_KEY, OTHER_KEY, World, bearer, serving

pytestmark = pytest.mark.anyio
AS_JSON = ("Content-Type", "application/json")
KEY = ("Authorization", f"Bearer {CLIENT_KEY}")
WATCH = b'{"importId": "imp"}'


@pytest.mark.parametrize(
    ("headers", "named"),
    [
        ([KEY, ("Authorization", f"Bearer {OTHER_KEY}"), AS_JSON], "Authorization"),
        ([KEY, KEY, AS_JSON], "Authorization"),
        ([KEY, AS_JSON, ("Idempotency-Key", "a"), ("idempotency-key", "b")], "Idempotency-Key"),
        ([KEY, ("Content-Type", "text/plain"), AS_JSON], "Content-Type"),
        ([KEY, AS_JSON, ("Content-Encoding", "gzip"), ("Content-Encoding", "identity")], "Content-Encoding"),
    ],
)
@pytest.mark.parametrize("path", ["/v1/watches", "/v1/watches/batch"])
async def test_a_header_that_has_an_effect_must_not_be_repeated(
    world: World, path: str, headers: list[tuple[str, str]], named: str
) -> None:
    body = WATCH if path == "/v1/watches" else b'{"watches": [' + WATCH + b"]}"
    answer = await world.api.post(path, content=body, headers=headers)

    assert (answer.status_code, answer.json()["type"]) == (400, "/docs#duplicate-header")
    assert named in answer.json()["detail"]
    assert CLIENT_KEY not in answer.text
    assert (await world.get("/v1/watches")).json()["data"] == []


async def test_headers_without_an_effect_may_be_repeated(world: World) -> None:
    headers = [KEY, AS_JSON, ("Accept", "text/html"), ("Accept", "*/*"), ("X-Forwarded-For", "a"), ("Via", "b")]
    answer = await world.api.post("/v1/watches", content=WATCH, headers=[*headers, ("X-Forwarded-For", "c")])

    assert answer.status_code == 202


async def test_two_request_ids_are_both_ignored(world: World) -> None:
    answer = await world.api.get("/healthz", headers=[("X-Request-Id", "one"), ("X-Request-Id", "two")])

    assert answer.headers["x-request-id"].startswith("req_")


@pytest.mark.parametrize(
    "path", ["/v1%2Fwatches", "/v1%2fwatches", "/v1/watches%2Fwat_1", "/v1/watches/wat_1%2Fcancel"]
)
async def test_a_path_with_an_encoded_slash_is_not_found(world: World, path: str) -> None:
    with serving(build(world.resources)) as url:
        place = urlsplit(url)
        head = f"POST {path} HTTP/1.1\r\nHost: bridge\r\nConnection: close\r\n{KEY[0]}: {KEY[1]}\r\n\r\n"
        with socket.create_connection((place.hostname or "", place.port or 0), timeout=5) as connection:
            connection.sendall(head.encode())
            answer = connection.makefile("rb").read()

    assert answer.startswith(b"HTTP/1.1 404 ")
    assert b"/docs#not-found" in answer


@pytest.mark.parametrize(
    ("body", "pointers"),
    [
        (b'{"importId": "imp", "importId": "other"}', ["/importId"]),
        (b'{"importId": "imp", "import\\u0049d": "imp"}', ["/importId"]),
        (b'{"importId": "imp", "metadata": {"a/b": 1, "a/b": 1, "c": 2, "c": 3}}', ["/metadata/a~1b", "/metadata/c"]),
        (b'{"importId": "imp", "importId": "imp", "colour": "red"}', ["/importId", "/colour"]),
        (b'{"importId": "imp", "notify": [{"type": "callback", "type": "slack"}]}', ["/notify/0/type"]),
    ],
)
async def test_an_object_with_a_repeated_name_is_refused(world: World, body: bytes, pointers: list[str]) -> None:
    answer = await world.api.post("/v1/watches", content=body, headers=[KEY, AS_JSON])

    assert (answer.status_code, answer.json()["type"]) == (422, "/docs#validation-failed")
    assert [error["pointer"] for error in answer.json()["errors"]][: len(pointers)] == pointers
    assert answer.json()["errors"][0]["detail"] == "Send this name once"
    assert (await world.get("/v1/watches")).json()["data"] == []


async def test_a_batch_with_a_repeated_name_is_refused_as_a_whole(world: World) -> None:
    body = b'{"watches": [{"importId": "a"}, {"importId": "b", "importId": "c"}]}'
    answer = await world.api.post("/v1/watches/batch", content=body, headers=[KEY, AS_JSON])

    assert answer.status_code == 422
    assert answer.json()["errors"] == [
        {"pointer": "/watches/1/importId", "detail": "Send this name once", "code": "duplicate_name"}
    ]
    assert (await world.get("/v1/watches")).json()["data"] == []


async def test_the_first_hundred_of_many_repeated_names_are_listed(world: World) -> None:
    names = ",".join(f'"n{number}": 1, "n{number}": 1' for number in range(150))
    body = f'{{"importId": "imp", "metadata": {{{names}}}}}'
    answer = await world.api.post("/v1/watches", content=body, headers=[KEY, AS_JSON])

    assert len(answer.json()["errors"]) == 100
    assert answer.json()["errorCount"] == 151, "and that there are too many of them"


@pytest.mark.parametrize("document", [{}, [], None, 1, 10**30, 1e400, {"a": [{"a": 1}, {"a": 2}]}, "x"])
def test_a_document_without_repeated_names_has_no_problem(document: object) -> None:
    assert duplicate_names(json.dumps(document).encode()) == []


async def test_an_api_key_given_once_is_accepted(world: World) -> None:
    assert (await world.api.get("/v1/watches", headers=bearer(CLIENT_KEY))).status_code == 200
