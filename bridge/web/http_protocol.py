"""The HTTP protocol: uvicorn's, with limits on what an unauthenticated peer may send and keep open.

httptools accepts headers of any size and for any time. This protocol limits their bytes, their number and the time
until they are complete, and the number of pipelined requests. Above the limit of connections, it closes those that
have been idle longest. The head and the body of a response are sent together.

To start uvicorn by hand: `--http bridge.web.http_protocol:Connection`.
"""

import asyncio
import resource
from typing import Any, cast

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from bridge.metrics import process_counts
from bridge.web.access_log import ACCESS_LOG, Answered
from bridge.web.cors import ORIGINS, headers_for
from bridge.web.joined_writes import JoinedWrites
from bridge.web.middleware import API_HEADERS, add_headers, id_of
from bridge.web.problems import problem
from bridge.web.refusals import Refusal

RESERVED_FILES = 256
"""The number of file descriptors that are reserved for connections to Redis and receivers, and for the log."""
BODY_FACTOR = 8
"""The allowed bytes of framing for each byte of a body; chunks of one byte have five."""
CLOSE_BATCH = 16
"""The number of connections that are closed at once, so that new ones rarely have to search for idle ones."""


class LimitExceeded(Exception):
    """Stops the parsing of a request that exceeds a limit."""


class Connection(HttpToolsProtocol):
    """One connection. Unless a request is being handled, the peer must send its next bytes before a deadline."""

    head_limit = 64 * 1024
    header_limit = 100
    head_timeout = 10.0
    """Seconds until the headers are complete, from the connection or from their first byte; and for an unread body."""
    pipeline_limit = 16
    connection_limit = 4096
    linger = 1.0
    """Seconds that the connection stays open after a refusal, so that a peer that is still sending can read it."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._refusal = Refusal.BAD_REQUEST
        self._refused = False
        self._in_message = False
        self._in_head = False
        self._received = 0
        self._bytes_left = self.head_limit
        self._deadline: asyncio.TimerHandle | None = None
        self._idle_since = self.loop.time()

    @property
    def _responding(self) -> bool:
        # uvicorn's type omits that it is None before the first request.
        return self.cycle is not None and not self.cycle.response_complete  # type: ignore[redundant-expr]

    # Connection

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(cast("asyncio.Transport", JoinedWrites(transport, self.loop)))
        if len(self.connections) > self._limit() and not self._make_room():
            self._refuse(Refusal.SERVICE_UNAVAILABLE, "Too many connections.")
        else:
            self._set_deadline(self.head_timeout)

    def _limit(self) -> int:
        files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
        return (
            self.connection_limit
            if files == resource.RLIM_INFINITY
            else min(self.connection_limit, files - RESERVED_FILES)
        )

    def _make_room(self) -> bool:
        """Close some of the connections that have been idle longest; return whether there were any."""
        others = [each for each in self.connections if isinstance(each, Connection) and each is not self]
        idle = sorted((each for each in others if not each._responding), key=lambda each: each._idle_since)
        for each in idle[:CLOSE_BATCH]:
            each.transport.abort()
        return bool(idle)

    def connection_lost(self, exc: Exception | None) -> None:
        self._cancel_deadline()
        super().connection_lost(exc)

    def timeout_keep_alive_handler(self) -> None:
        self.transport.abort()  # close() would wait until the peer reads the last response

    # Deadlines

    def _set_deadline(self, seconds: float) -> None:
        self._cancel_deadline()
        self._deadline = self.loop.call_later(seconds, self._on_deadline)

    def _cancel_deadline(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _on_deadline(self) -> None:
        self._deadline = None
        if self._in_head and not self._refused:
            self._refuse(
                Refusal.REQUEST_TIMEOUT, f"The headers of a request must arrive within {self.head_timeout:g} s."
            )
        else:
            self.transport.abort()

    # Requests

    def data_received(self, data: bytes) -> None:
        if self._refused:
            return
        self._received = len(data)
        if self._in_message:
            self._bytes_left -= self._received
        super().data_received(data)
        if self._bytes_left < 0:
            self._refuse(Refusal.HEADERS_TOO_LARGE, self._limits)
        elif self._deadline is None and not self._responding:
            self._set_deadline(self.head_timeout)

    def on_message_begin(self) -> None:
        if len(self.pipeline) >= self.pipeline_limit:
            raise LimitExceeded
        super().on_message_begin()
        self._in_message = self._in_head = True
        self._bytes_left = self.head_limit

    def on_headers_complete(self) -> None:
        self._in_head = False
        if self._deadline is not None:
            self._cancel_deadline()
        if len(self.headers) > self.header_limit or (self._may_be_large and self._head_size() > self.head_limit):
            self._refusal = Refusal.HEADERS_TOO_LARGE
            raise LimitExceeded
        super().on_headers_complete()

    @property
    def _may_be_large(self) -> bool:
        """Whether the headers may exceed the limit, so that their size must be counted."""
        return self._received > self.head_limit or self._bytes_left < self.head_limit

    def _head_size(self) -> int:
        return len(self.url) + sum(len(name) + len(value) for name, value in self.headers)

    def on_body(self, body: bytes) -> None:
        self._bytes_left += (1 + BODY_FACTOR) * len(body)
        super().on_body(body)

    def on_message_complete(self) -> None:
        self._in_message = False
        super().on_message_complete()
        if not self._responding:  # the end of a body that the app did not read
            self._set_deadline(self.timeout_keep_alive)

    # Responses

    def on_response_complete(self) -> None:
        super().on_response_complete()
        self._idle_since = self.loop.time()
        if self._in_message and not self._responding:
            self._set_deadline(self.head_timeout)

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002 - uvicorn's message, replaced by a problem document
        self._refuse(self._refusal, self._limits if self._refusal is Refusal.HEADERS_TOO_LARGE else "")

    def _log(self, refusal: Refusal) -> None:
        """Log a refusal that no part of the app has seen."""
        if write := self.app_state.get(ACCESS_LOG):
            answered = Answered(
                method="other", route="none", path="", status=refusal.status, took_ms=0, code=refusal.code
            )
            write(answered)

    @property
    def _limits(self) -> str:
        return f"The limit is {self.head_limit // 1024} KB and {self.header_limit} headers."

    def _refuse(self, refusal: Refusal, detail: str = "") -> None:
        """Respond to an invalid request and close the connection, which interrupts a response that is being sent."""
        if self._refused:
            return
        self._refused = True
        if self._responding:
            self.transport.abort()
            return
        response = problem(refusal, detail)
        received = self.headers or []
        headers = [*self.server_state.default_headers, *response.raw_headers, (b"connection", b"close")]
        headers += headers_for(self.app_state.get(ORIGINS, ()), received)
        add_headers(headers, id_of(received), API_HEADERS)
        lines = [STATUS_LINE[refusal.status], *(b"%b: %b\r\n" % header for header in headers), b"\r\n"]
        self.transport.write(b"".join(lines) + bytes(response.body))
        process_counts.requests.add("other", "none", str(refusal.status))
        self._log(refusal)
        if self.transport.can_write_eof():
            self.transport.write_eof()
            self._set_deadline(self.linger)
        else:
            self.transport.close()
