"""The HTTP protocol: limits on what an unauthenticated peer may send and keep open."""

import json
import re
import select
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack, asynccontextmanager, closing, suppress
from http.client import HTTPResponse
from threading import Event
from typing import Any
from urllib.parse import urlsplit

import anyio
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from bridge.web.cors import ORIGINS
from bridge.web.http_protocol import Connection
from tests.support.world import serving

PATIENCE = 10.0
"""Seconds after which a test fails."""
LIMIT = 64 * 1024
HEAD = "{method} {path} HTTP/1.1\r\nHost: bridge\r\n"


class Hasty(Connection):
    """Has shorter timeouts for request heads and after refusals."""

    head_timeout = 0.3
    linger = 0.2


class Narrow(Connection):
    """Allows two connections."""

    connection_limit = 2


async def echo(request: Request) -> Response:
    return PlainTextResponse(request.url.path + request.headers.get("x-last", ""))


async def read(request: Request) -> Response:
    return PlainTextResponse(str(len(await request.body())))


class Gate:
    """Endpoints that respond when the test allows it."""

    def __init__(self) -> None:
        self.entered, self.opened = Event(), Event()

    async def wait(self, _: Request) -> Response:
        self.entered.set()
        await anyio.to_thread.run_sync(self.opened.wait, PATIENCE)
        return PlainTextResponse("waited")


@pytest.fixture
def gate() -> Gate:
    return Gate()


@pytest.fixture
def app(gate: Gate) -> Starlette:
    routes = [Route("/gate", gate.wait), Route("/body", read, methods=["POST"])]
    return Starlette(routes=[*routes, Route("/{rest:path}", echo, methods=["GET", "POST"])])


@pytest.fixture
def url(app: Starlette) -> Iterator[str]:
    with serving(app, http=Connection) as url:
        yield url


@pytest.fixture
def hasty(app: Starlette) -> Iterator[str]:
    with serving(app, http=Hasty) as url:
        yield url


def connected(url: str) -> socket.socket:
    place = urlsplit(url)
    return socket.create_connection((place.hostname or "", place.port or 0), timeout=PATIENCE)


def head(path: str = "/", *headers: str, method: str = "GET") -> bytes:
    return (HEAD.format(method=method, path=path) + "".join(f"{each}\r\n" for each in headers) + "\r\n").encode()


def answer_on(connection: socket.socket) -> tuple[HTTPResponse, bytes]:
    answer = HTTPResponse(connection)
    answer.begin()
    return answer, answer.read()


def exchange(url: str, sent: bytes) -> tuple[HTTPResponse, bytes]:
    with closing(connected(url)) as connection:
        connection.sendall(sent)
        return answer_on(connection)


def ends(connection: socket.socket) -> bool:
    """Wait until the server has closed a connection."""
    with suppress(ConnectionError):
        while connection.recv(65_536):
            pass
    return True


def refused(answer: HTTPResponse, body: bytes, status: int, slug: str) -> dict[str, Any]:
    assert (answer.status, answer.headers["content-type"]) == (status, "application/problem+json")
    assert answer.headers["connection"] == "close"
    assert answer.headers["x-request-id"]
    assert answer.headers["x-content-type-options"] == "nosniff"
    document: dict[str, Any] = json.loads(body)
    assert (document["type"], document["status"]) == (f"/docs#{slug}", status)
    return document


@pytest.mark.parametrize(
    "sent",
    [
        head("/", f"X-Long: {'x' * LIMIT}"),
        head("/", *(f"X-{number}: {'x' * 1000}" for number in range(66))),
        head("/" + "x" * LIMIT),
        head("/", *(f"X-{number}: x" for number in range(100))),
        head("/", *(f"X-{number}: x" for number in range(20_000))),
    ],
    ids=["one header", "many headers", "the path", "one header too many", "very many headers"],
)
def test_a_head_that_is_too_large_is_refused(url: str, sent: bytes) -> None:
    document = refused(*exchange(url, sent), 431, "headers-too-large")
    assert document["detail"] == "The limit is 64 KB and 100 headers."


@pytest.mark.parametrize(
    "headers",
    [
        [f"X-{number}: x" for number in range(98)],
        [*(f"X-{number}: {'x' * 660}" for number in range(97))],
    ],
    ids=["many headers", "many bytes"],
)
def test_a_head_within_the_limits_is_accepted_however_it_is_split(url: str, headers: list[str]) -> None:
    sent = head("/", *headers, "X-Last: all of it")
    for size in (len(sent), 1000, 7):
        with closing(connected(url)) as connection:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for at in range(0, len(sent), size):
                connection.sendall(sent[at : at + size])
            answer, body = answer_on(connection)
        assert (answer.status, body) == (200, b"/all of it"), size


def flood(connection: socket.socket, piece: bytes, most: int) -> int:
    """Send a piece repeatedly until a response arrives or the connection ends; return the number of bytes sent."""
    sent = 0
    while sent < most and not select.select([connection], [], [], 0)[0]:
        try:
            connection.sendall(piece)
        except OSError:
            break
        sent += len(piece)
    return sent


MOST_SENT = 64 * 1024 * 1024


def test_an_endless_header_is_refused_before_much_of_it_is_buffered(url: str) -> None:
    with closing(connected(url)) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nX-Endless: ")
        assert flood(connection, b"x" * 65_536, MOST_SENT) < MOST_SENT
        document = refused(*answer_on(connection), 431, "headers-too-large")
    assert document["detail"] == "The limit is 64 KB and 100 headers."


@pytest.mark.parametrize(
    ("method", "path", "piece"),
    [
        ("POST", "/body", b"0\r\nX-Trailer: " + b"x" * 65_536),
        ("GET", "/gate", b"0\r\nX-Trailer: " + b"x" * 65_536),
        ("POST", "/body", b"1;" + b"x" * 65_536),
    ],
    ids=["a trailer", "a trailer of a request that is being answered", "a chunk's extension"],
)
def test_chunk_extensions_and_trailers_are_limited_as_well(
    url: str, gate: Gate, method: str, path: str, piece: bytes
) -> None:
    with closing(connected(url)) as connection:
        connection.sendall(head(path, "Transfer-Encoding: chunked", method=method) + piece)
        assert flood(connection, piece[-65_536:], MOST_SENT) < MOST_SENT
        assert ends(connection)
    gate.opened.set()


def test_a_body_in_the_smallest_chunks_is_read(url: str) -> None:
    chunks = b"1\r\nx\r\n" * 100_000 + b"0\r\n\r\n"
    answer, body = exchange(url, head("/body", "Transfer-Encoding: chunked", method="POST") + chunks)

    assert (answer.status, body) == (200, b"100000")


def test_an_unfinished_head_times_out(hasty: str) -> None:
    with closing(connected(hasty)) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nX-Half: ")
        refused(*answer_on(connection), 408, "request-timeout")
        assert ends(connection)


def trickle(connection: socket.socket, piece: bytes) -> bool:
    """Send a piece repeatedly, before each deadline, until the server closes the connection."""
    for _ in range(int(PATIENCE / 0.05)):
        if select.select([connection], [], [], 0.05)[0]:
            return True
        try:
            connection.sendall(piece)
        except OSError:
            return True
    return False


@pytest.mark.parametrize("before", [b"", head()], ids=["at first", "after an answer"])
@pytest.mark.parametrize("piece", [b"X-Half: x\r\n", b"\r\n"], ids=["headers", "empty lines"])
def test_a_head_that_trickles_times_out(hasty: str, before: bytes, piece: bytes) -> None:
    with closing(connected(hasty)) as connection:
        if before:
            connection.sendall(before)
            answer_on(connection)
        if piece != b"\r\n":
            connection.sendall(b"GET / HTTP/1.1\r\n")
        assert trickle(connection, piece)
        assert ends(connection)


def test_a_silent_connection_times_out(hasty: str) -> None:
    with closing(connected(hasty)) as connection:
        assert ends(connection)


def test_the_rest_of_an_unread_body_times_out_as_well(hasty: str) -> None:
    with closing(connected(hasty)) as connection:
        connection.sendall(head("/", "Content-Length: 1000", method="POST"))
        assert answer_on(connection)[0].status == 200
        assert trickle(connection, b"x")
        assert ends(connection)


def test_a_connection_is_kept_after_the_rest_of_an_unread_body(url: str) -> None:
    with closing(connected(url)) as connection:
        connection.sendall(head("/", "Content-Length: 4", method="POST"))
        assert answer_on(connection)[0].status == 200
        connection.sendall(b"late" + head("/again"))
        assert answer_on(connection)[1] == b"/again"


def test_an_idle_connection_is_closed_after_the_keep_alive(app: Starlette) -> None:
    with serving(app, http=Connection, keep_alive=1) as url, closing(connected(url)) as connection:
        connection.sendall(head())
        assert answer_on(connection)[0].status == 200
        assert ends(connection)


def test_pipelined_requests_are_answered_in_order(url: str) -> None:
    paths = [f"/number-{number:02}" for number in range(Connection.pipeline_limit)]
    with closing(connected(url)) as connection:
        connection.sendall(b"".join(head(path) for path in paths[:-1]) + head(paths[-1], "Connection: close"))
        answers = connection.makefile("rb").read().decode()

    assert re.findall(r"/number-\d\d", answers) == paths


def test_too_many_pipelined_requests_close_the_connection(url: str, gate: Gate) -> None:
    with closing(connected(url)) as connection:
        connection.sendall(head("/gate") + head() * 10_000)
        assert ends(connection)
    gate.opened.set()


def test_one_connection_too_many_closes_the_longest_idle_one(app: Starlette, gate: Gate) -> None:
    with serving(app, http=Narrow) as url, ExitStack() as stack:
        waiting, busy = [stack.enter_context(closing(connected(url))) for _ in range(2)]
        busy.sendall(head("/gate"))
        assert gate.entered.wait(PATIENCE)

        assert exchange(url, head("/late"))[1] == b"/late"
        assert ends(waiting)
        gate.opened.set()
        assert answer_on(busy)[1] == b"waited"


def test_one_connection_too_many_is_refused_while_all_others_are_busy(app: Starlette, gate: Gate) -> None:
    with serving(app, http=Narrow) as url, ExitStack() as stack:
        both = [stack.enter_context(closing(connected(url))) for _ in range(2)]
        for busy in both:
            busy.sendall(head("/gate"))
            assert gate.entered.wait(PATIENCE)
            gate.entered.clear()
        another = stack.enter_context(closing(connected(url)))
        refused(*answer_on(another), 503, "service-unavailable")
        gate.opened.set()
        assert [answer_on(busy)[1] for busy in both] == [b"waited"] * 2


@pytest.mark.parametrize(
    "sent",
    [
        b"GET / HTTP/1.1\r\nX-Request-Id: build-42\r\nVia: x\r\nnot a header\r\n\r\n",
        b"GET / HTTP/1.1\r\nX-Request-Id: build-42\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        b"POST / HTTP/1.1\r\nX-Request-Id: build-42\r\nTransfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\n",
    ],
)
def test_invalid_http_is_refused_with_a_problem_and_the_request_id_if_it_was_read(url: str, sent: bytes) -> None:
    answer, body = exchange(url, sent)

    refused(answer, body, 400, "bad-request")
    assert answer.headers["x-request-id"] == "build-42"


@pytest.mark.parametrize("sent", [b"\x16\x03\x01\x02\x00\x01\x00\x01", b"SSH-2.0-x\r\n", b"GET\r\n\r\n"])
def test_invalid_http_without_a_request_id_gets_one(url: str, sent: bytes) -> None:
    answer, body = exchange(url, sent)

    refused(answer, body, 400, "bad-request")
    assert answer.headers["x-request-id"].startswith("req_")


@pytest.mark.parametrize("do", [lambda it: it.close(), lambda it: it.shutdown(socket.SHUT_WR)])
def test_a_peer_that_disconnects_midway_does_no_harm(hasty: str, do: Callable[[socket.socket], None]) -> None:
    for begun in (b"", b"GET / HT", head(), head("/body", "Content-Length: 9", method="POST")):
        with closing(connected(hasty)) as connection:
            connection.sendall(begun)
            do(connection)
    assert exchange(hasty, head("/after"))[1] == b"/after"


TOOL = "https://tools.example.com"


@pytest.fixture
def cross_origin() -> Iterator[str]:
    """Serve an app whose lifespan names an origin, as that of the bridge does."""

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[dict[str, object]]:
        yield {ORIGINS: (TOOL,)}

    app = Starlette(routes=[Route("/{rest:path}", echo)], lifespan=lifespan)
    with serving(app, http=Hasty, lifespan="on") as url:
        yield url


@pytest.mark.parametrize(
    ("sent", "status", "slug"),
    [
        (head("/", f"Origin: {TOOL}", f"X-Long: {'x' * LIMIT}"), 431, "headers-too-large"),
        (HEAD.format(method="GET", path="/").encode() + f"Origin: {TOOL}\r\nX: x\r\n".encode(), 408, "request-timeout"),
        (f"GET / HTTP/1.1\r\nOrigin: {TOOL}\r\nX: x\r\nnot a header\r\n\r\n".encode(), 400, "bad-request"),
    ],
)
def test_a_page_of_an_allowed_origin_may_read_a_refusal_of_the_protocol(
    cross_origin: str, sent: bytes, status: int, slug: str
) -> None:
    answer, body = exchange(cross_origin, sent)

    refused(answer, body, status, slug)
    assert (answer.headers["access-control-allow-origin"], answer.headers["vary"]) == (TOOL, "Origin")
    assert "X-Request-Id" in answer.headers["access-control-expose-headers"]


def test_a_page_of_another_origin_may_not_read_it(cross_origin: str) -> None:
    answer, body = exchange(cross_origin, head("/", f"Origin: {TOOL}.example.net", f"X-Long: {'x' * LIMIT}"))

    refused(answer, body, 431, "headers-too-large")
    assert "access-control-allow-origin" not in answer.headers
