"""The HTTP API's middleware: request ids, security headers, metrics, the access log, and errors.

Starlette's own handler of unhandled exceptions runs outside of all middleware, so its response would have no headers
of ours. The outermost middleware adds the request id and the security headers; the innermost responds to errors.
"""

import re
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from secrets import token_hex
from time import monotonic

import structlog
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bridge.domain.times import SECOND
from bridge.metrics import process_counts
from bridge.tracing import Traces
from bridge.web.access_log import Answered, is_left_out
from bridge.web.problems import unexpected
from bridge.web.routing import CLIENT, CODE, PATH

_ID = re.compile(rb"[A-Za-z0-9._-]{1,128}")
API = "/v1/"
METHODS = frozenset({"DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"})
DEFAULT_HEADERS = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-frame-options", b"DENY"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
)
"""Headers that are added to responses which do not set them."""
API_HEADERS = (*DEFAULT_HEADERS, (b"cache-control", b"no-store"))
NOT_TRACED = nullcontext()


def id_of(headers: Sequence[tuple[bytes, bytes]]) -> str:
    """Return the request's X-Request-Id, or a new id unless there is exactly one that is valid."""
    ids = [value for name, value in headers if name == b"x-request-id"]
    return ids[0].decode() if len(ids) == 1 and _ID.fullmatch(ids[0]) else f"req_{token_hex(12)}"


def add_headers(headers: list[tuple[bytes, bytes]], request_id: str, defaults: Sequence[tuple[bytes, bytes]]) -> None:
    """Add the request id and the default headers to the headers of a response."""
    own = {name for name, _ in headers}
    headers.append((b"x-request-id", request_id.encode()))
    headers += [each for each in defaults if each[0] not in own]


def _count(scope: Scope, status: int, seconds: float) -> None:
    """Count a request; `seconds` is the time until its response began."""
    method = scope["method"] if scope["method"] in METHODS else "other"
    route = scope.get(PATH, "none")
    process_counts.requests.add(method, route, str(status))
    if b"wait=" not in scope["query_string"]:
        process_counts.request_duration.observe(seconds, method, route)


def _log(scope: Scope, status: int, seconds: float) -> None:
    """Write the line of a call, if it gets one; `seconds` is the time until its response ended."""
    state = scope["app"].state
    mode = state.resources.settings.access_log
    if is_left_out(status, mode):
        return
    call = Answered(
        method=scope["method"],
        route=scope.get(PATH, "none"),
        path=scope["path"],
        status=status,
        took_ms=int(seconds * SECOND),
        client=scope.get(CLIENT),
        code=scope.get(CODE),
    )
    state.access_log.write(call, mode)


def _traced(scope: Scope) -> AbstractContextManager[object]:
    """Trace a call of the API, if there are traces."""
    traces: Traces | None = scope["app"].state.resources.traces
    return NOT_TRACED if traces is None or not scope["path"].startswith(API) else _span(traces, scope)


@contextmanager
def _span(traces: Traces, scope: Scope) -> Iterator[None]:
    """Make the span of a call. Its route, known in the end, becomes the name."""
    with traces.received(scope["method"], _header(scope, b"traceparent")) as traced:
        yield
        traced.rename(f"{scope['method']} {scope.get(PATH, '')}".rstrip())


def _header(scope: Scope, name: bytes) -> str | None:
    values = [value for each, value in scope["headers"] if each == name]
    return values[0].decode("latin-1") if len(values) == 1 else None


class RequestContextMiddleware:
    """The outermost ASGI middleware: it wraps the whole app."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id, began = id_of(scope["headers"]), monotonic()
        is_api = scope["path"].startswith(API)
        answered: int | None = None

        async def send_with_headers(message: Message) -> None:
            nonlocal answered
            if message["type"] == "http.response.start":
                add_headers(message["headers"], request_id, API_HEADERS if is_api else DEFAULT_HEADERS)
                answered = message["status"]
                _count(scope, answered, monotonic() - began)
            await send(message)

        # Never unbound: each request runs in its own context.
        structlog.contextvars.bind_contextvars(request_id=request_id)
        try:
            with _traced(scope):
                await self._app(scope, receive, send_with_headers)
        finally:
            if answered is not None:
                _log(scope, answered, monotonic() - began)


class UnhandledErrors:
    """ASGI middleware that answers an unexpected exception with 500 and logs it.

    It is the innermost one. All others then add their headers to the 500, so that pages may read it (CORS).
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = False

        async def send_and_note(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            await self._app(scope, receive, send_and_note)
        except Exception as error:
            if started or scope["type"] != "http":
                raise  # the response has started; the server logs the error and closes the connection
            await unexpected(error)(scope, receive, send)
