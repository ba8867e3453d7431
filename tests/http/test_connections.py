"""When and how a request is sent: not after its deadline, in one piece, and on a connection that is still open."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from time import monotonic

import httpcore
import httpx
import pytest

from bridge.http.connections import Connections, Target, Timeouts
from bridge.http.network import MeteredStream, SocketOption

pytestmark = pytest.mark.anyio


class SlowToConnect(httpcore.AnyIOBackend):
    """A backend whose connections are ready only after `until`, as of a process that was suspended meanwhile."""

    until = 0.0

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - httpcore's signature
        local_address: str | None = None,
        socket_options: Iterable[SocketOption] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        stream = await super().connect_tcp(host, port, timeout, local_address, socket_options)
        await asyncio.sleep(max(0.0, self.until - monotonic()))
        return stream


@asynccontextmanager
async def server() -> AsyncIterator[tuple[Target, list[bytes]]]:
    """Serve empty answers; yield the address and what is received."""
    received: list[bytes] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65_536):
            received.append(data)
            writer.write(b"HTTP/1.1 204 No Content\r\n\r\n")
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as listening:
        port = listening.sockets[0].getsockname()[1]
        yield Target.of(httpx.URL(f"http://127.0.0.1:{port}/imports/imp")), received


async def test_nothing_is_sent_on_a_connection_that_is_ready_after_the_deadline() -> None:
    backend = SlowToConnect()
    connections = Connections(
        slots=1, timeouts=Timeouts(total=5, connect=5), keep_alive=5, trust=ssl.create_default_context, backend=backend
    )
    async with server() as (target, received):
        start_by = monotonic() + 0.1
        backend.until = start_by
        assert await connections.exchange("GET", target, [], body_limit=1_000, start_by=start_by) is None
        assert received == []

        in_time = [
            await connections.exchange("GET", target, [], body_limit=1_000, start_by=monotonic() + 5) for _ in range(2)
        ]
        assert [getattr(each, "status", None) for each in in_time] == [204, 204]
        assert len(received) == 2
        await connections.aclose()


class Recorded(httpcore.AsyncMockStream):
    """A stream with one response, which records what is written."""

    def __init__(self) -> None:
        super().__init__([b"HTTP/1.1 204 No Content\r\n\r\n"])
        self.writes: list[bytes] = []

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ARG002, ASYNC109 - httpcore's
        self.writes.append(buffer)


async def test_a_request_is_sent_in_one_piece() -> None:
    recorded = Recorded()
    stream = MeteredStream(recorded)
    await stream.write(b"head ")
    await stream.write(b"content")
    assert await stream.read(1_000) == b"HTTP/1.1 204 No Content\r\n\r\n"

    assert recorded.writes == [b"head content"]


async def test_an_idle_connection_that_the_peer_closed_is_not_used() -> None:
    connections = Connections(
        slots=1, timeouts=Timeouts(total=5, connect=5), keep_alive=5, trust=ssl.create_default_context
    )
    opened: list[asyncio.Event] = []

    async def answer_once(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        opened.append(asyncio.Event())
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 204 No Content\r\n\r\n")
        writer.close()
        await writer.wait_closed()
        opened[-1].set()

    async with await asyncio.start_server(answer_once, "127.0.0.1", 0) as listening:
        port = listening.sockets[0].getsockname()[1]
        target = Target.of(httpx.URL(f"http://127.0.0.1:{port}/"))
        for number in range(3):
            answer = await connections.exchange("GET", target, [], body_limit=1_000)
            assert getattr(answer, "status", None) == 204
            await opened[number].wait()
    await connections.aclose()
