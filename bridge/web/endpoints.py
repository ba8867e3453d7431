"""Decorators for the endpoints of the API: authentication, duplicate headers and the query string."""

from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from functools import wraps

from starlette.requests import Request
from starlette.responses import Response

from bridge.domain.clients import Client
from bridge.errors import Refusal, Refused
from bridge.resources import Resources
from bridge.web.auth import authenticate
from bridge.web.query import NoQuery, QueryT, parse_query
from bridge.web.routing import Endpoint

SINGLE_HEADERS = {b"authorization", b"idempotency-key", b"content-type", b"content-encoding"}
"""Headers that a request may contain only once: of two values, a proxy may have read the other one."""

Handler = Callable[[Request, Resources, Client], Awaitable[Response]]
QueryHandler = Callable[[Request, Resources, Client, QueryT], Awaitable[Response]]


def authenticated(handler: Handler) -> Endpoint:
    """Call the handler with the resources and the client; reject requests that have a query string."""

    @wraps(handler)
    async def endpoint(request: Request) -> Response:
        resources, client = await _open(request)
        if request.scope["query_string"]:
            parse_query(request, NoQuery)
        return await handler(request, resources, client)

    return endpoint


def authenticated_with(model: type[QueryT]) -> Callable[[QueryHandler[QueryT]], Endpoint]:
    """Call the handler with the resources, the client and the validated query."""

    def decorate(handler: QueryHandler[QueryT]) -> Endpoint:
        @wraps(handler)
        async def endpoint(request: Request) -> Response:
            resources, client = await _open(request)
            return await handler(request, resources, client, parse_query(request, model))

        return endpoint

    return decorate


async def _open(request: Request) -> tuple[Resources, Client]:
    if duplicate := _duplicate(request.headers.raw):
        raise Refused(Refusal.DUPLICATE_HEADER, f"Send one {duplicate} header.")
    client = await authenticate(request)
    return request.app.state.resources, client


def _duplicate(headers: Sequence[tuple[bytes, bytes]]) -> str | None:
    """Return the name of a header that is repeated but must not be."""
    names = [name for name, _ in headers]
    if len(set(names)) == len(names):
        return None  # the usual case
    counts = Counter(names)
    return next((name.decode().title() for name in names if name in SINGLE_HEADERS and counts[name] > 1), None)
