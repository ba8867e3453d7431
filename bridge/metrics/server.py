"""A small HTTP server for the metrics of a process, apart from the API: it answers `GET /metrics` and nothing else."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

import structlog

from bridge.metrics.metric import CONTENT_TYPE

HEAD_LIMIT = 16 * 1024
HEAD_TIMEOUT = 5.0
"""Seconds for the head of a request, and for the client to read the answer."""
CONNECTIONS = 16
"""The number of connections that are served at once; others are closed."""

log = structlog.get_logger()

Render = Callable[[], Awaitable[bytes]]


@asynccontextmanager
async def serving_metrics(host: str, port: int, render: Render) -> AsyncIterator[None]:
    """Serve what `render` returns, unless the port is 0; a port that is taken is only logged."""
    if not port:
        yield
        return
    try:
        server = await asyncio.start_server(_Connections(render).serve, host, port, limit=HEAD_LIMIT)
    except OSError as error:
        log.warning("metrics.not_served", host=host, port=port, error=error.strerror or str(error))
        yield
        return
    async with server:
        yield


class _Connections:
    def __init__(self, render: Render) -> None:
        self._render = render
        self._open = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open += 1
        try:
            if self._open <= CONNECTIONS:
                with suppress(TimeoutError, OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
                    await self._answer(reader, writer)
        finally:
            self._open -= 1
            writer.close()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        async with asyncio.timeout(HEAD_TIMEOUT):
            head = await reader.readuntil(b"\r\n\r\n")
        status, body = await self._response(head.split(b"\r\n", 1)[0])
        writer.write(_response_head(status, len(body)) + body)
        async with asyncio.timeout(HEAD_TIMEOUT):
            await writer.drain()

    async def _response(self, request_line: bytes) -> tuple[str, bytes]:
        method, _, rest = request_line.partition(b" ")
        if rest.split(b" ")[0].split(b"?")[0] != b"/metrics":
            return "404 Not Found", b"The metrics are at /metrics.\n"
        if method != b"GET":
            return "405 Method Not Allowed", b"The only method is GET.\n"
        return "200 OK", await self._render()


def _response_head(status: str, length: int) -> bytes:
    lines = (
        f"HTTP/1.1 {status}",
        f"Content-Type: {CONTENT_TYPE}",
        f"Content-Length: {length}",
        "X-Content-Type-Options: nosniff",
        "Connection: close",
    )
    return "".join(f"{line}\r\n" for line in lines).encode() + b"\r\n"
