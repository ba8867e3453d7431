"""Receivers on real sockets, and requests to them."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from bridge.destinations.egress.client import EgressRules
from bridge.domain.delivery.destination_requests import Failure, NoResponse, Request, SendResult
from bridge.domain.secret import Secret

NOTHING_ALLOWED = EgressRules()
OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nx-Seen: Yes\r\n\r\nok"
Talk = Callable[[asyncio.StreamWriter], Awaitable[None]]


@dataclass(slots=True)
class Receiver:
    """A receiver: records the head and body of each request, and responds."""

    port: int = 0
    connections: int = 0
    heads: list[str] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)

    @property
    def rules(self) -> EgressRules:
        return EgressRules.parse((f"127.0.0.1:{self.port}",))


def says(answer: bytes) -> Talk:
    async def talk(writer: asyncio.StreamWriter) -> None:
        writer.write(answer)
        await writer.drain()

    return talk


async def hangs(_: asyncio.StreamWriter) -> None:
    await asyncio.Event().wait()


async def trickles(writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\n")
    while True:
        writer.write(b".")
        await writer.drain()
        await asyncio.sleep(0.02)


async def floods(writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
    while True:
        writer.write(b"x" * 65_536)
        await writer.drain()


async def breaks_off(writer: asyncio.StreamWriter) -> None:
    writer.close()


@asynccontextmanager
async def receiving(talk: Talk, tls: ssl.SSLContext | None = None) -> AsyncIterator[Receiver]:
    """Serve on a free loopback port; open connections are closed at the end."""
    receiver = Receiver()
    talking: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        receiver.connections += 1
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode("ascii")
                receiver.heads.append(head)
                length = int(head.lower().split("content-length: ")[1].split("\r\n")[0])
                receiver.bodies.append(await reader.readexactly(length))
                await talk(writer)
        except (asyncio.IncompleteReadError, OSError):
            pass
        finally:
            writer.close()

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(serve(reader, writer))
        talking.add(task)
        task.add_done_callback(talking.discard)

    server = await asyncio.start_server(accept, "127.0.0.1", 0, ssl=tls)
    receiver.port = server.sockets[0].getsockname()[1]
    try:
        yield receiver
    finally:
        for task in list(talking):
            task.cancel()
        await asyncio.gather(*talking, return_exceptions=True)
        server.close()
        await server.wait_closed()


def to(url: str, body: bytes = b"{}", **headers: str) -> Request:
    return Request(
        url=Secret(url), headers={name.replace("_", "-"): value for name, value in headers.items()}, body=body
    )


async def never_resolving(_host: str, _port: int) -> Sequence[str]:
    """Resolve a name as name servers that hang."""
    await asyncio.Event().wait()
    return []


def resolving(*answers: Sequence[str]) -> Callable[[str, int], Awaitable[Sequence[str]]]:
    """Resolve any name to each of the answers in turn, and then always to the last one."""
    left = list(answers)

    async def resolve(_: str, __: int) -> Sequence[str]:
        return left.pop(0) if len(left) > 1 else left[0]

    return resolve


def failure_of(answer: SendResult) -> Failure:
    assert isinstance(answer, NoResponse), answer
    assert "SECRET" not in answer.reason
    return answer.failure
