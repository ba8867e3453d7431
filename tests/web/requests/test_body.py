"""Request bodies over a real connection: too large, late, in pieces."""

import asyncio
import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Message

from bridge.web import problems
from bridge.web.refusals import Refusal, Refused
from bridge.web.requests.body import BODY_LIMIT, MAX_VALUES, parse, read_json
from bridge.web.routing import resource
from bridge.web.schemas.watches import BatchBody
from tests.support.world import serving

JSON = {"Content-Type": "application/json"}
AS_JSON = {"type": "http", "headers": [(b"content-type", b"application/json")]}
PATIENCE = 0.3


async def length(request: Request) -> Response:
    return Response(str(len(await read_json(request, timeout=PATIENCE))))


@pytest.fixture
def impatient() -> Iterator[str]:
    """An app with one endpoint that reads a body with a short timeout."""
    with serving(Starlette(routes=[resource("/", POST=length)], exception_handlers={Refused: problems.refused})) as url:
        yield url


@contextmanager
def started_post(url: str, *headers: str, path: str = "/") -> Iterator[socket.socket]:
    """Send the head of a POST without its body."""
    place = urlsplit(url)
    lines = [f"POST {path} HTTP/1.1", "Host: bridge", "Content-Type: application/json", *headers, "", ""]
    with socket.create_connection((place.hostname or "", place.port or 0), timeout=5) as connection:
        connection.sendall("\r\n".join(lines).encode())
        yield connection


def answer_on(connection: socket.socket) -> tuple[int, dict[str, str], bytes]:
    """Read one response; return its status, headers and body."""
    with connection.makefile("rb") as lines:
        status = int(lines.readline().split()[1])
        headers = {}
        while line := lines.readline().decode().strip():
            name, _, value = line.partition(": ")
            headers[name.lower()] = value
        return status, headers, lines.read(int(headers["content-length"]))


def is_closed(connection: socket.socket) -> bool:
    return connection.recv(1) == b""


def test_a_body_announced_as_too_large_is_refused_before_it_is_sent(impatient: str) -> None:
    with started_post(impatient, f"Content-Length: {BODY_LIMIT + 1}") as post:
        status, headers, body = answer_on(post)

    assert (status, headers["content-type"]) == (413, "application/problem+json")
    assert json.loads(body)["type"] == "/docs#payload-too-large"


def test_the_sender_of_a_too_large_body_gets_the_reason_even_while_it_is_sending(impatient: str) -> None:
    answer = httpx.post(impatient, content=b"x" * 20 * BODY_LIMIT, headers=JSON, trust_env=False)

    assert (answer.status_code, answer.json()["detail"]) == (413, "The limit is 64 KB.")


def test_a_body_that_is_never_sent_times_out(impatient: str) -> None:
    with started_post(impatient, "Content-Length: 2") as post:
        status, headers, body = answer_on(post)
        assert is_closed(post)

    assert (status, headers["content-type"], headers["connection"]) == (408, "application/problem+json", "close")
    assert json.loads(body)["type"] == "/docs#request-timeout"


def test_a_body_that_trickles_times_out(impatient: str) -> None:
    with started_post(impatient, "Content-Length: 1000") as post:
        post.settimeout(PATIENCE / 10)
        for _ in range(100):
            post.sendall(b" ")
            try:
                status = int(post.recv(12, socket.MSG_PEEK).split()[1])
                break
            except TimeoutError:
                continue
        else:
            pytest.fail("it would have been read for ever")

    assert status == 408


def test_a_body_sent_in_pieces_is_read(impatient: str) -> None:
    with started_post(impatient, "Transfer-Encoding: chunked") as post:
        for _ in range(3):
            post.sendall(b"4\r\n    \r\n")
        post.sendall(b"0\r\n\r\n")
        status, _, body = answer_on(post)

    assert (status, body) == (200, b"12")


def test_a_sender_that_disconnects_is_not_logged_as_an_error() -> None:
    messages: list[Message] = [
        {"type": "http.request", "body": b'{"importId"', "more_body": True},
        {"type": "http.disconnect"},
    ]

    async def receive() -> Message:
        return messages.pop(0)

    with pytest.raises(Refused) as caught:
        asyncio.run(read_json(Request(AS_JSON, receive)))
    assert caught.value.refusal is Refusal.REQUEST_TIMEOUT


@pytest.mark.parametrize("value", [b"{}", b"[]", b"1", b'"\\"]"', b'{"a":1}'])
def test_a_body_with_too_many_values_is_refused_before_it_is_parsed(value: bytes) -> None:
    many = b",".join([value] * (MAX_VALUES + 1))
    with pytest.raises(Refused) as caught:
        parse(b'{"watches": [{"a": [' + many, BatchBody)  # the size is checked before the JSON

    assert caught.value.refusal is Refusal.PAYLOAD_TOO_LARGE


@pytest.mark.parametrize("text", ['",[{' * 1000, "\\" * 999, ',[{}]":' * 500])
def test_the_contents_of_strings_are_not_counted_as_values(text: str) -> None:
    watches = [{"importId": "imp", "metadata": {str(number): text for number in range(3)}}] * 100

    assert parse(json.dumps({"watches": watches}).encode(), BatchBody).watches == watches


def test_the_largest_valid_batch_is_accepted() -> None:
    notify = [{"type": "callback", "url": "u", "on": ["failed"], "headers": {f"h{n}": "v" for n in range(20)}}] * 10
    watch = {"importId": "imp", "notify": notify, "metadata": {f"m{n}": "v" for n in range(50)}, "label": "l"}

    assert len(parse(json.dumps({"watches": [watch] * 100}).encode(), BatchBody).watches) == 100
