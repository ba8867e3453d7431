"""Connections: uvicorn's own protocol, with bounds on what a peer may send and keep open before it has a key.

httptools collects a head of any size for any time. Here a head has bounded bytes, headers and seconds, requests in
advance have a bounded number, and of too many connections those are closed that have waited longest for their peer.
Where uvicorn is started by hand: `--http bridge.web.http_protocol:Connection`.
"""

import asyncio
import resource
from typing import Any

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from bridge.errors import Refusal
from bridge.web.metrics import requests_answered
from bridge.web.middleware import GUARD_CALLED, id_of, surround
from bridge.web.problems import problem

FILES_KEPT = 256
"""Of the files that this process may open, those left to Redis, receivers and the log."""
BODY_FACTOR = 8
"""Bytes that may come around each byte of a body: one sent in chunks of a byte each has five."""
CLOSED_AT_ONCE = 16
"""So many connections make room at once that looking for them costs each newcomer little."""


class OutOfBounds(Exception):
    """Ends the parsing of a request."""


class Connection(HttpToolsProtocol):
    """One connection. Its peer owes the next bytes, unless a request of it is being answered."""

    head_limit = 64 * 1024
    header_limit = 100
    head_time = 10.0
    """Seconds for a head: from the connection, or from its first byte; and for what is left of an unread body."""
    pipeline_limit = 16
    connection_limit = 4096
    linger = 1.0
    """Seconds for which the peer of a refused request may go on sending, so that it gets to read why."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._refusal = Refusal.BAD_REQUEST
        self._refused = False
        self._in_message = False
        self._in_head = False
        self._received = 0
        self._bytes_left = self.head_limit
        self._deadline: asyncio.TimerHandle | None = None
        self._waiting_since = self.loop.time()

    @property
    def _answering(self) -> bool:
        # uvicorn's type leaves out that there is none before the first request.
        return self.cycle is not None and not self.cycle.response_complete  # type: ignore[redundant-expr]

    # The connection

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        if len(self.connections) > self._most() and not self._make_room():
            self._refuse(Refusal.SERVICE_UNAVAILABLE, "There are too many connections.")
        else:
            self._expect(self.head_time)

    def _most(self) -> int:
        files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
        return (
            self.connection_limit if files == resource.RLIM_INFINITY else min(self.connection_limit, files - FILES_KEPT)
        )

    def _make_room(self) -> bool:
        """Close some of the connections that have waited longest; return whether there were any."""
        others = [each for each in self.connections if isinstance(each, Connection) and each is not self]
        waiting = sorted((each for each in others if not each._answering), key=lambda each: each._waiting_since)
        for each in waiting[:CLOSED_AT_ONCE]:
            each.transport.abort()
        return bool(waiting)

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_expecting()
        super().connection_lost(exc)

    def timeout_keep_alive_handler(self) -> None:
        self.transport.abort()  # to close would wait for as long as the peer leaves the last answer unread

    # What the peer owes

    def _expect(self, seconds: float) -> None:
        self._stop_expecting()
        self._deadline = self.loop.call_later(seconds, self._give_up)

    def _stop_expecting(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _give_up(self) -> None:
        self._deadline = None
        if self._in_head and not self._refused:
            self._refuse(Refusal.REQUEST_TIMEOUT, f"The head of a request must come within {self.head_time:g} s.")
        else:
            self.transport.abort()

    # What it sends

    def data_received(self, data: bytes) -> None:
        if self._refused:
            return
        self._received = len(data)
        if self._in_message:
            self._bytes_left -= self._received
        super().data_received(data)
        if self._bytes_left < 0:
            self._refuse(Refusal.HEADERS_TOO_LARGE, self._limits)
        elif self._deadline is None and not self._answering:
            self._expect(self.head_time)

    def on_message_begin(self) -> None:
        if len(self.pipeline) >= self.pipeline_limit:
            raise OutOfBounds
        super().on_message_begin()
        self._in_message = self._in_head = True
        self._bytes_left = self.head_limit

    def on_headers_complete(self) -> None:
        self._in_head = False
        if self._deadline is not None:
            self._stop_expecting()
        if len(self.headers) > self.header_limit or (self._may_be_large and self._size_of_head() > self.head_limit):
            self._refusal = Refusal.HEADERS_TOO_LARGE
            raise OutOfBounds
        super().on_headers_complete()

    @property
    def _may_be_large(self) -> bool:
        """Whether a head came in so many bytes, or in pieces, that what was parsed has to be counted."""
        return self._received > self.head_limit or self._bytes_left < self.head_limit

    def _size_of_head(self) -> int:
        return len(self.url) + sum(len(name) + len(value) for name, value in self.headers)

    def on_body(self, body: bytes) -> None:
        self._bytes_left += (1 + BODY_FACTOR) * len(body)
        super().on_body(body)

    def on_message_complete(self) -> None:
        self._in_message = False
        super().on_message_complete()
        if not self._answering:  # the rest of a body that was not waited for
            self._expect(self.timeout_keep_alive)

    # What it is answered

    def on_response_complete(self) -> None:
        super().on_response_complete()
        self._waiting_since = self.loop.time()
        if self._in_message and not self._answering:
            self._expect(self.head_time)

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002 - uvicorn's sentence; ours says more
        self._refuse(self._refusal, self._limits if self._refusal is Refusal.HEADERS_TOO_LARGE else "")

    @property
    def _limits(self) -> str:
        return f"At most {self.head_limit // 1024} KB and {self.header_limit} headers are read."

    def _refuse(self, refusal: Refusal, detail: str = "") -> None:
        """Answer what never becomes a request, and end the connection; an answer under way is cut off by that."""
        if self._refused:
            return
        self._refused = True
        if self._answering:
            self.transport.abort()
            return
        answer = problem(refusal, detail)
        headers = [*self.server_state.default_headers, *answer.raw_headers, (b"connection", b"close")]
        surround(headers, id_of(self.headers or []), GUARD_CALLED)
        lines = [STATUS_LINE[refusal.status], *(b"%b: %b\r\n" % header for header in headers), b"\r\n"]
        self.transport.write(b"".join(lines) + bytes(answer.body))
        requests_answered["other", "none", str(refusal.status)] += 1
        if self.transport.can_write_eof():
            self.transport.write_eof()
            self._expect(self.linger)
        else:
            self.transport.close()
