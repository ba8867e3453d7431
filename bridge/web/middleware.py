"""What surrounds every request: an id, and headers that keep browsers from harm.

And what nobody foresaw is answered here: Starlette would do it outside every middleware, without any of these.
"""

import re
from collections.abc import Sequence
from secrets import token_hex

import structlog
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bridge.web.metrics import requests_answered
from bridge.web.problems import unexpected
from bridge.web.routing import PATH

_ID = re.compile(rb"[A-Za-z0-9._-]{1,128}")
METHODS = frozenset({"DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"})
GUARD = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-frame-options", b"DENY"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
)
"""Added where the answer does not say otherwise; written as ASGI has headers, since every answer takes them."""
GUARD_CALLED = (*GUARD, (b"cache-control", b"no-store"))


def id_of(headers: Sequence[tuple[bytes, bytes]]) -> str:
    """Return the id that a request was given, or a new one where that is not exactly one."""
    given = [value for name, value in headers if name == b"x-request-id"]
    return given[0].decode() if len(given) == 1 and _ID.fullmatch(given[0]) else f"req_{token_hex(12)}"


def surround(headers: list[tuple[bytes, bytes]], request_id: str, guard: Sequence[tuple[bytes, bytes]]) -> None:
    """Add to an answer's headers what every answer has."""
    own = {name for name, _ in headers}
    headers.append((b"x-request-id", request_id.encode()))
    headers += [each for each in guard if each[0] not in own]


class RequestContextMiddleware:
    """An ASGI middleware around the whole app."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = id_of(scope["headers"])
        called = scope["path"].startswith("/v1/")
        started = False

        async def send_guarded(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                surround(message["headers"], request_id, GUARD_CALLED if called else GUARD)
                method = scope["method"] if scope["method"] in METHODS else "other"
                requests_answered[method, scope.get(PATH, "none"), str(message["status"])] += 1
            await send(message)

        structlog.contextvars.bind_contextvars(request_id=request_id)  # for good: each request has a context of its own
        try:
            await self._app(scope, receive, send_guarded)
        except Exception as error:
            if started:
                raise  # what has begun can't be taken back: the server logs it and cuts the connection
            await unexpected(error)(scope, receive, send_guarded)
