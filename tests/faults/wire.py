"""HTTP/1.1 by hand, so that an answer can be cut, trickled or withheld at any byte."""

import asyncio
import json
import socket
import struct
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from email.utils import formatdate
from http import HTTPStatus
from typing import Any, TypeAlias

LOOPBACK = "127.0.0.1"
REQUESTS_A_LINE = 100_000
CHUNK = 65_536
BREATH = 0.005
"""Seconds between two chunks of a flood, in which the rest of this process can run."""
HALF_OPEN = 120.0
"""Seconds after which a half-open connection ends, if the other side has not given it up."""
Headers: TypeAlias = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A request; header names in lower case."""

    path: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Peer:
    """The connection of a request."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def send(self, text: bytes) -> None:
        self.writer.write(text)
        await self.writer.drain()

    async def trickle(self, text: bytes, pause: float) -> None:
        for byte in text:
            await self.send(bytes([byte]))
            await asyncio.sleep(pause)

    async def flood(self, text: bytes, patience: float) -> None:
        """Send the same text repeatedly until the other side gives up."""
        try:
            async with asyncio.timeout(patience):
                while not self.writer.is_closing():
                    await self.send(text)
                    await asyncio.sleep(BREATH)
        except (TimeoutError, ConnectionError):
            return

    async def left(self, patience: float) -> None:
        """Wait until the other side gives up."""
        try:
            async with asyncio.timeout(patience):
                await self.reader.read(1)
        except (TimeoutError, ConnectionError):
            return

    async def ignored(self, patience: float) -> None:
        """Read without answering until the other side gives up."""
        try:
            async with asyncio.timeout(patience):
                while await self.reader.read(CHUNK):
                    pass
        except (TimeoutError, ConnectionError):
            return

    def reset(self) -> None:
        """Close with an RST."""
        if (plug := self.writer.get_extra_info("socket")) is not None:
            plug.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()


Serve: TypeAlias = Callable[[Request, Peer], Awaitable[bool]]
"""Answer a request; return whether the connection may be kept."""


class Server:
    """Listens on a loopback port, which it keeps reserved while it is closed."""

    def __init__(self, serve: Serve) -> None:
        self.port = 0
        self._serve = serve
        self._server: asyncio.Server | None = None
        self._lines: set[Peer] = set()
        self._swallowed: set[Peer] = set()

    async def open(self) -> None:
        if self._server is None:
            self._server = await asyncio.start_server(self._connected, LOOPBACK, self.port)
            self.port = self._server.sockets[0].getsockname()[1]

    def close(self) -> None:
        """Refuse connections from now on, and cut the open ones."""
        if self._server is not None:
            self._server.close()
            self._server = None
        for line in list(self._lines):
            line.reset()

    def swallow(self) -> None:
        """Make every open connection half-open: it stays open, but its input is discarded."""
        self._swallowed |= self._lines

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        line = Peer(reader, writer)
        self._lines.add(line)
        try:
            for _ in range(REQUESTS_A_LINE):
                request = await _read(reader)
                if line in self._swallowed:
                    await line.ignored(HALF_OPEN)
                    break
                if not await self._serve(request, line):
                    break
        except (OSError, EOFError):
            pass  # the other side has closed, or was killed
        finally:
            self._lines.discard(line)
            self._swallowed.discard(line)
            writer.close()


async def _read(reader: asyncio.StreamReader) -> Request:
    head, *fields = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").strip().split("\r\n")
    pairs = (field.split(":", 1) for field in fields)
    headers = {name.lower(): value.strip() for name, value in pairs}
    body = await reader.readexactly(int(headers.get("content-length", 0)))
    return Request(path=head.split(" ")[1], headers=headers, body=body)


def answer(status: int, headers: Headers = (), body: bytes = b"") -> bytes:
    """Return a valid response."""
    lines = [f"HTTP/1.1 {status} {HTTPStatus(status).phrase}", f"Date: {formatdate(usegmt=True)}"]
    lines += [f"{name}: {value}" for name, value in headers]
    return "\r\n".join([*lines, f"Content-Length: {len(body)}", "", ""]).encode("latin-1") + body


def as_json(document: Any) -> bytes:
    return json.dumps(document).encode()
