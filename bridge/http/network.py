"""The network backend of httpcore: reads in small steps, lets other tasks run in between, and applies the limits.

It sends each request in one piece: each write costs a round of the event loop.
"""

import asyncio
import select
import socket
import ssl
from collections.abc import Iterable
from contextlib import suppress
from contextvars import ContextVar
from math import inf
from time import monotonic
from typing import Any, TypeAlias

import httpcore

from bridge.http.response_limits import LimitExceeded, ResponseMeter

STEP = 4 * 1024
"""The bytes of one read. httpcore parses them without a pause: 64 KB of one-byte chunks would take 0.2 s."""

START_BY: ContextVar[float] = ContextVar("START_BY", default=inf)
"""Until when the request of this task may be sent, in monotonic seconds."""


class TooLate(Exception):
    """The request was not sent, because the connection was ready only after START_BY."""


SocketOption: TypeAlias = tuple[int, int, int] | tuple[int, int, bytes | bytearray] | tuple[int, int, None, int]


class MeteredStream(httpcore.AsyncNetworkStream):
    """A stream that applies the limits to responses; reading raises LimitExceeded."""

    def __init__(self, stream: httpcore.AsyncNetworkStream) -> None:
        self._stream = stream
        self._socket: socket.socket | None = stream.get_extra_info("socket")
        self._sending = False
        self._unsent: list[bytes] = []
        self._begin()

    def _begin(self) -> None:
        self._unsent.clear()
        self._meter = ResponseMeter()
        self._waited = False
        self._exceeded: LimitExceeded | None = None

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ASYNC109 - httpcore's signature
        if self._sending:
            self._sending = False
            await self._send(timeout)
        if self._exceeded is not None:
            raise self._exceeded
        if self._waited:
            # Data that has arrived is read without waiting, so other tasks would not run.
            await asyncio.sleep(0)
        self._waited = True
        data = await self._stream.read(min(max_bytes, STEP), timeout)
        try:
            self._meter.feed(data)
        except LimitExceeded as exceeded:
            if not self._meter.head_ended:
                raise
            self._exceeded = exceeded  # raised by the next read, so that the status is parsed first
        return data

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ASYNC109 - httpcore's signature
        # httpcore has written the whole request before it reads the first byte of the response.
        del timeout  # the same as the one for reading
        if not self._sending:
            if monotonic() >= START_BY.get():
                raise TooLate
            self._sending = True
            self._begin()
        self._unsent.append(buffer)

    async def _send(self, timeout: float | None) -> None:  # noqa: ASYNC109 - httpcore's signature
        with suppress(httpcore.WriteError):  # the peer may have responded before it closed the connection
            await self._stream.write(b"".join(self._unsent), timeout)
        self._unsent.clear()

    async def aclose(self) -> None:
        await self._stream.aclose()

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ASYNC109 - httpcore's signature
    ) -> httpcore.AsyncNetworkStream:
        return MeteredStream(await self._stream.start_tls(ssl_context, server_hostname, timeout))

    def get_extra_info(self, info: str) -> Any:
        if info == "is_readable":  # asked before each request; anyio would look up both addresses of the socket as well
            return is_readable(self._socket)
        return self._stream.get_extra_info(info)


def is_readable(connection: socket.socket | None) -> bool:
    """Return whether an idle connection has received something, an end most likely, or is closed: it can't be used."""
    if connection is None or connection.fileno() < 0:
        return True
    poll = select.poll()
    poll.register(connection, select.POLLIN)
    return bool(poll.poll(0))


class MeteredBackend(httpcore.AsyncNetworkBackend):
    """A backend that wraps another one's streams into MeteredStreams."""

    def __init__(self, backend: httpcore.AsyncNetworkBackend) -> None:
        self._backend = backend

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - httpcore's signature
        local_address: str | None = None,
        socket_options: Iterable[SocketOption] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        return MeteredStream(await self._backend.connect_tcp(host, port, timeout, local_address, socket_options))

    async def connect_unix_socket(
        self,
        path: str,
        timeout: float | None = None,  # noqa: ASYNC109 - httpcore's signature
        socket_options: Iterable[SocketOption] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        return MeteredStream(await self._backend.connect_unix_socket(path, timeout, socket_options))

    async def sleep(self, seconds: float) -> None:
        await self._backend.sleep(seconds)
