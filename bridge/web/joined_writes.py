"""A transport that joins small writes.

uvicorn writes the head and the body of a response one after the other. Sent together, they need one system call instead
of two, and one packet, and the client's process wakes up once.
"""

import asyncio
from typing import Any

JOINED_UP_TO = 64 * 1024
"""The bytes above which waiting writes are sent at once, so that the transport's flow control knows of them."""


class JoinedWrites:
    """Sends what is written in one turn of the event loop together; all else is left to the underlying transport."""

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport = transport
        self._loop = loop
        self._waiting: list[bytes] = []
        self._size = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def write(self, data: bytes) -> None:
        if not self._waiting:
            self._loop.call_soon(self._send)
        self._waiting.append(data)
        self._size += len(data)
        if self._size > JOINED_UP_TO:
            self._send()

    def _send(self) -> None:
        if self._waiting:
            self._transport.write(b"".join(self._waiting))
            self._drop()

    def _drop(self) -> None:
        self._waiting.clear()
        self._size = 0

    def write_eof(self) -> None:
        self._send()
        self._transport.write_eof()

    def close(self) -> None:
        self._send()
        self._transport.close()

    def abort(self) -> None:
        self._drop()
        self._transport.abort()
