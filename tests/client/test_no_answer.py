"""A bridge that does not answer: what both clients say of it, on real sockets."""

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest

from bridge.client import AsyncBridge, Bridge, Unavailable
from bridge.client.no_answer import no_answer
from tests.support.certificates import certificate_for
from tests.support.receivers import Receiver, breaks_off, receiving, says
from tests.support.vanished_server import vanished_server

pytestmark = pytest.mark.anyio
KEY = "rbk_key"
Failure = Callable[[str], Awaitable[Unavailable]]


async def blocking(url: str) -> Unavailable:
    def call() -> Unavailable:
        with Bridge(url, KEY, patience=0, connect_timeout=0.5) as bridge, pytest.raises(Unavailable) as caught:
            bridge.watch("imp")
        return caught.value

    return await asyncio.to_thread(call)


async def asynchronous(url: str) -> Unavailable:
    async with AsyncBridge(url, KEY, patience=0, connect_timeout=0.5) as bridge:
        with pytest.raises(Unavailable) as caught:
            await bridge.watch("imp")
    return caught.value


@asynccontextmanager
async def answering(answer: bytes) -> AsyncIterator[int]:
    """Serve this answer to whatever arrives first on a connection; yield the port."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1000)
        writer.write(answer)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]


both = pytest.mark.parametrize("failure", [blocking, asynchronous])


@both
@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
async def test_a_port_without_a_server_is_refused(failure: Failure, host: str) -> None:
    found = await failure(f"http://{host}:1")
    said = f"No answer from http://{host}:1: the connection was refused; nothing listens there."
    assert (str(found), found.code, found.status) == (said, "refused", None)


@both
async def test_a_host_that_does_not_exist_is_unknown(failure: Failure) -> None:
    found = await failure("http://no-such-host.invalid")
    said = "No answer from http://no-such-host.invalid: the host name is unknown."
    assert (str(found), found.code) == (said, "unknown_host")


@pytest.fixture
def vanished() -> Iterator[str]:
    """The URL of a server whose backlog is full, so that every attempt to connect times out."""
    with vanished_server() as port:
        yield f"http://127.0.0.1:{port}"


@both
async def test_an_address_that_swallows_connections_is_given_up(failure: Failure, vanished: str) -> None:
    found = await failure(vanished)
    assert re.fullmatch(rf"No answer from {vanished}: no connection within [0-9.]+ s\.", str(found))
    assert found.code == "connect_timeout"


@pytest.fixture
async def behind_tls(tmp_path: Path) -> AsyncIterator[Receiver]:
    _, tls = certificate_for("localhost", tmp_path)
    async with receiving(says(b""), tls) as receiver:
        yield receiver


@both
async def test_a_certificate_that_nobody_vouches_for_is_named(failure: Failure, behind_tls: Receiver) -> None:
    url = f"https://localhost:{behind_tls.port}"
    found = await failure(url)
    assert (str(found), found.code) == (f"No answer from {url}: TLS failed: self-signed certificate.", "tls")


@both
async def test_a_server_without_tls_is_recognized(failure: Failure) -> None:
    async with answering(b"HTTP/1.1 400 Bad Request\r\n\r\n") as port:
        url = f"https://127.0.0.1:{port}"
        found = await failure(url)
    words = f"No answer from {url}: TLS failed: the server does not speak TLS, so perhaps its URL begins with http://."
    assert (str(found), found.code) == (words, "tls")


@both
async def test_a_connection_that_breaks_is_named(failure: Failure) -> None:
    async with receiving(breaks_off) as receiver:
        found = await failure(f"http://127.0.0.1:{receiver.port}")
    assert found.code == "broken"
    assert "the connection broke" in str(found)


@both
async def test_a_proxy_that_refuses_is_named(failure: Failure, monkeypatch: pytest.MonkeyPatch) -> None:
    async with answering(b"HTTP/1.1 407 Proxy Authentication Required\r\ncontent-length: 0\r\n\r\n") as port:
        monkeypatch.setenv("HTTPS_PROXY", f"http://user:secret@127.0.0.1:{port}")
        found = await failure("https://bridge.example.com")
    assert found.code == "proxy"
    assert str(found) == (
        f"No answer from https://bridge.example.com through the proxy http://127.0.0.1:{port}: "
        "the proxy did not let the request through (HTTP 407)."
    )


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (httpx.ReadTimeout("x"), "timeout"),
        (httpx.PoolTimeout("x"), "timeout"),
        (httpx.ProxyError("407 Proxy Authentication Required"), "proxy"),
        (httpx.ProxyError("secret"), "proxy"),
        (httpx.ConnectError("secret"), "unreachable"),
        (httpx.UnsupportedProtocol("secret"), "invalid_request"),
        (httpx.InvalidURL("secret"), "invalid_request"),
        (UnicodeError("secret"), "invalid_request"),
        (httpx.DecodingError("secret"), "broken"),
        (httpx.RemoteProtocolError("secret"), "broken"),
    ],
)
async def test_every_error_has_a_code_and_words_of_ours(error: Exception, code: str) -> None:
    found = no_answer(error, began=0, at=15)
    assert found.reason == code
    assert "secret" not in found.words
