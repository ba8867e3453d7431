"""A TCP forwarder between the product and its Redis: its target can be changed, and connections can fall silent."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import cast

LOOPBACK = "127.0.0.1"


async def until(holds: Callable[[], bool]) -> None:
    """Wait until something holds; the caller bounds the time."""
    while not holds():  # noqa: ASYNC110 - neither the product nor Redis has an event for it
        await asyncio.sleep(0.01)


class Connection:
    """One forwarded connection; once it is mute, whatever either side sends is swallowed, and no end is told."""

    def __init__(self, client_port: int) -> None:
        self.client_port = client_port
        self.mute = False
        self.sent = b""
        """What the client has sent so far."""

    async def carry(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, from_client: bool = False
    ) -> None:
        with suppress(ConnectionError):
            while chunk := await reader.read(65536):
                if from_client:
                    self.sent += chunk
                if not self.mute:
                    writer.write(chunk)
        if not self.mute:
            writer.close()


class Forwarder:
    """Forwards each new connection to `target`: the path of a Unix socket, or a port of loopback."""

    def __init__(self, target: str | int, *, tls: ssl.SSLContext | None = None) -> None:
        """Take where to; and what to speak TLS with, if to."""
        self.target = target
        self._tls = tls
        self.port = 0
        self.connections: list[Connection] = []
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def url(self) -> str:
        return f"redis{'s' if self._tls else ''}://{LOOPBACK}:{self.port}"

    def silence(self, command: bytes = b"") -> int:
        """Silence the connections on which the client has sent this; return their number."""
        chosen = [each for each in self.connections if command in each.sent and not each.mute]
        for each in chosen:
            each.mute = True
        return len(chosen)

    @asynccontextmanager
    async def listening(self) -> AsyncIterator["Forwarder"]:
        server = await asyncio.start_server(self._accept, LOOPBACK, self.port, ssl=self._tls)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield self
        finally:
            server.close()
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = cast("asyncio.Task[None]", asyncio.current_task())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        connection = Connection(writer.get_extra_info("peername")[1])
        self.connections.append(connection)
        # asyncio's streams log a task of theirs that was cancelled.
        with suppress(OSError, asyncio.CancelledError):
            await self._forward(connection, reader, writer)

    async def _forward(
        self, connection: Connection, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        target = self.target
        theirs, ours = await (
            asyncio.open_unix_connection(target)
            if isinstance(target, str)
            else asyncio.open_connection(LOOPBACK, target)
        )
        try:
            await asyncio.gather(
                connection.carry(reader, ours, from_client=True),
                connection.carry(theirs, writer),
            )
        finally:
            ours.close()
            writer.close()
