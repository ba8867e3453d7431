"""Decorators for the endpoints of the API: authentication, duplicate headers and the query string."""

from collections.abc import Awaitable, Callable
from functools import wraps

from starlette.requests import Request
from starlette.responses import Response

from bridge.domain.clients import Client
from bridge.resources import Resources
from bridge.web.auth import authenticate
from bridge.web.requests.duplicate_headers import refuse_duplicate_headers
from bridge.web.requests.query import NoQuery, QueryT, parse_query
from bridge.web.routing import Endpoint

Handler = Callable[[Request, Resources, Client], Awaitable[Response]]
QueryHandler = Callable[[Request, Resources, Client, QueryT], Awaitable[Response]]


def authenticated(handler: Handler) -> Endpoint:
    """Return an endpoint that authenticates, then calls the handler with the client; query strings are refused."""

    @wraps(handler)
    async def endpoint(request: Request) -> Response:
        resources, client = await _open(request)
        if request.scope["query_string"]:
            parse_query(request, NoQuery)
        return await handler(request, resources, client)

    return endpoint


def authenticated_with(model: type[QueryT]) -> Callable[[QueryHandler[QueryT]], Endpoint]:
    """Return a decorator for endpoints with a query: the handler also gets the validated query."""

    def decorate(handler: QueryHandler[QueryT]) -> Endpoint:
        @wraps(handler)
        async def endpoint(request: Request) -> Response:
            resources, client = await _open(request)
            return await handler(request, resources, client, parse_query(request, model))

        return endpoint

    return decorate


async def _open(request: Request) -> tuple[Resources, Client]:
    refuse_duplicate_headers(request.headers.raw)
    client = await authenticate(request)
    return request.app.state.resources, client
