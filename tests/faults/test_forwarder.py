"""The forwarder passes connections on, redirects new ones, or drops them silently."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, suppress

import pytest

from tests.faults.forwarder import Forwarder
from tests.faults.wire import LOOPBACK

pytestmark = pytest.mark.anyio
MOMENT = 0.2
"""Seconds in which nothing arrives."""
PATIENCE = 5.0


async def serve(stack: AsyncExitStack, name: str) -> int:
    """Open a server that answers each line with its own name; return its port."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        stack.push_async_callback(ended, writer)
        with suppress(ConnectionError):
            while await reader.readline():
                writer.write(f"{name}\n".encode())

    server = await asyncio.start_server(answer, LOOPBACK, 0)
    stack.callback(server.close)
    port: int = server.sockets[0].getsockname()[1]
    return port


async def ended(writer: asyncio.StreamWriter) -> None:
    writer.close()
    with suppress(ConnectionError):
        await writer.wait_closed()


@pytest.fixture
async def stack() -> AsyncIterator[AsyncExitStack]:
    async with AsyncExitStack() as opened:
        yield opened


@pytest.fixture
async def forwarder(stack: AsyncExitStack) -> Forwarder:
    forwarder = Forwarder(await serve(stack, "first"))
    await forwarder.open()
    stack.push_async_callback(forwarder.aclose)
    return forwarder


class Client:
    """A connection through the forwarder."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    async def ask(self, line: str, *, patience: float = PATIENCE) -> str:
        self._writer.write(f"{line}\n".encode())
        async with asyncio.timeout(patience):
            return (await self._reader.readline()).decode().strip()

    async def read(self) -> bytes:
        """Return what arrives until the connection ends."""
        async with asyncio.timeout(PATIENCE):
            return await self._reader.read()


async def connect(stack: AsyncExitStack, forwarder: Forwarder) -> Client:
    reader, writer = await asyncio.open_connection(LOOPBACK, forwarder.port)
    stack.push_async_callback(ended, writer)
    return Client(reader, writer)


async def test_an_open_connection_keeps_its_target_and_a_new_one_gets_the_current_one(
    stack: AsyncExitStack, forwarder: Forwarder
) -> None:
    old = await connect(stack, forwarder)
    assert await old.ask("who") == "first"

    forwarder.target = await serve(stack, "second")

    assert await old.ask("who") == "first"
    assert await (await connect(stack, forwarder)).ask("who") == "second"


async def test_a_swallowed_connection_is_silent_and_does_not_end(stack: AsyncExitStack, forwarder: Forwarder) -> None:
    old = await connect(stack, forwarder)
    assert await old.ask("who") == "first"

    assert forwarder.swallow() == 1

    with pytest.raises(TimeoutError):
        await old.ask("who", patience=MOMENT)
    assert await (await connect(stack, forwarder)).ask("who") == "first"


async def test_only_subscriptions_can_be_swallowed(stack: AsyncExitStack, forwarder: Forwarder) -> None:
    asking, listening = await connect(stack, forwarder), await connect(stack, forwarder)
    await asking.ask("PING")
    await listening.ask("SUBSCRIBE news")

    assert forwarder.swallow(subscriptions_alone=True) == 1

    with pytest.raises(TimeoutError):
        await listening.ask("PING", patience=MOMENT)
    assert await asking.ask("PING") == "first"


async def test_a_connection_without_a_target_ends_at_once(stack: AsyncExitStack, forwarder: Forwarder) -> None:
    async with AsyncExitStack() as short:
        forwarder.target = await serve(short, "gone")
    client = await connect(stack, forwarder)
    assert await client.read() == b""
