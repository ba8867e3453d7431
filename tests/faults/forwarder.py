"""A forwarder on a loopback port that can silently drop connections and redirect new ones."""

import asyncio
import ssl
from collections.abc import Sequence
from contextlib import suppress

from .wire import CHUNK, HALF_OPEN, LOOPBACK

SUBSCRIBE, REPLICATE = MARKS = b"SUBSCRIBE", b"PSYNC"
"""Commands by which the kind of a connection is known."""


class Forwarder:
    """Connects each new connection to the current `target`, a port or the path of a socket."""

    def __init__(self, target: int | str, *, tls: ssl.SSLContext | None = None) -> None:
        """Take the first target; and, if clients must use TLS, the server's context."""
        self.target = target
        self.port = 0
        self._tls = tls
        self._server: asyncio.Server | None = None
        self._passages: dict[Passage, asyncio.Task[None]] = {}

    async def open(self) -> None:
        self._server = await asyncio.start_server(self._connected, LOOPBACK, 0, ssl=self._tls)
        self.port = self._server.sockets[0].getsockname()[1]

    @property
    def passages(self) -> "Sequence[Passage]":
        """The open connections, the oldest first."""
        return list(self._passages)

    async def aclose(self) -> None:
        """Close all connections, including half-open ones."""
        if self._server is not None:
            self._server.close()
        running = list(self._passages.values())
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
        await asyncio.sleep(0)  # in which the transports close

    def swallow(self, *, subscriptions_alone: bool = False, replication_alone: bool = False) -> int:
        """Make the open connections half-open, like a firewall that lost its state; return their number."""
        marks = {SUBSCRIBE} if subscriptions_alone else {REPLICATE} if replication_alone else set()
        chosen = [each for each in self._passages if marks <= each.carried]
        for passage in chosen:
            passage.swallowed = True
        return len(chosen)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            server = await _reach(self.target)
        except OSError:
            writer.transport.abort()
            return
        passage = Passage((reader, writer), server)
        running = asyncio.create_task(passage.run())
        self._passages[passage] = running
        try:
            await asyncio.wait((running,))
        finally:
            del self._passages[passage]
            passage.close()


Side = tuple[asyncio.StreamReader, asyncio.StreamWriter]


async def _reach(target: int | str) -> Side:
    if isinstance(target, str):
        return await asyncio.open_unix_connection(target)
    return await asyncio.open_connection(LOOPBACK, target)


class Passage:
    """Both sides of a connection through the forwarder; a swallowed one discards its input."""

    def __init__(self, client: Side, server: Side) -> None:
        self.swallowed = False
        self.carried: set[bytes] = set()
        """The commands of MARKS that the client has sent."""
        self.client_port: int = client[1].get_extra_info("peername")[1]
        self._client = client
        self._server = server

    @property
    def subscribed(self) -> bool:
        return SUBSCRIBE in self.carried

    async def run(self) -> None:
        """Forward bytes until a side closes; for a swallowed connection, only the client's side counts."""
        forth = asyncio.create_task(self._forth())
        back = asyncio.create_task(self._back())
        try:
            await asyncio.wait((forth, back), return_when=asyncio.FIRST_COMPLETED)
            if self.swallowed:
                await asyncio.wait((forth,), timeout=HALF_OPEN)
        finally:
            forth.cancel()
            back.cancel()

    def close(self) -> None:
        for _, writer in (self._client, self._server):
            writer.transport.abort()

    async def _forth(self) -> None:
        with suppress(OSError):
            while data := await self._client[0].read(CHUNK):
                self.carried.update(mark for mark in MARKS if mark in data)
                await self._pass_on(data, self._server[1])

    async def _back(self) -> None:
        with suppress(OSError):
            while data := await self._server[0].read(CHUNK):
                await self._pass_on(data, self._client[1])

    async def _pass_on(self, data: bytes, writer: asyncio.StreamWriter) -> None:
        if not self.swallowed:
            writer.write(data)
            await writer.drain()
