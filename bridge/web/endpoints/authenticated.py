"""Decorators for the endpoints of the API: authentication, the rate limit, duplicate headers and the query string."""

from collections.abc import Awaitable, Callable
from functools import wraps
from typing import TypeVar

from starlette.requests import Request
from starlette.responses import Response

from bridge.domain.clients import Client
from bridge.resources import Resources
from bridge.web.auth import authenticate, count_call
from bridge.web.refusals import Refused
from bridge.web.requests.duplicate_headers import refuse_duplicate_headers
from bridge.web.requests.query import NoQuery, QueryT, parse_query
from bridge.web.routing import Endpoint

InputT = TypeVar("InputT")
Handler = Callable[[Request, Resources, Client], Awaitable[Response]]
QueryHandler = Callable[[Request, Resources, Client, QueryT], Awaitable[Response]]
Reader = Callable[[Request, Resources, Client], Awaitable[InputT]]
CountingHandler = Callable[[Resources, Client, InputT], Awaitable[Response]]


def authenticated(handler: Handler) -> Endpoint:
    """Return an endpoint that authenticates, then calls the handler with the client; query strings are refused."""

    @wraps(handler)
    async def endpoint(request: Request) -> Response:
        resources, client = _open(request)
        await count_call(resources, client)
        _refuse_query(request)
        return await handler(request, resources, client)

    return endpoint


def authenticated_with(model: type[QueryT]) -> Callable[[QueryHandler[QueryT]], Endpoint]:
    """Return a decorator for endpoints with a query: the handler also gets the validated query."""

    def decorate(handler: QueryHandler[QueryT]) -> Endpoint:
        @wraps(handler)
        async def endpoint(request: Request) -> Response:
            resources, client = _open(request)
            await count_call(resources, client)
            return await handler(request, resources, client, parse_query(request, model))

        return endpoint

    return decorate


def authenticated_counting(read: Reader[InputT]) -> Callable[[CountingHandler[InputT]], Endpoint]:
    """Call the handler with what `read` returns; the handler counts the call, in the step that stores the result.

    This saves a round trip to Redis. A request that `read` refuses is counted here, so it too is a 429 above the limit.
    """

    def decorate(handler: CountingHandler[InputT]) -> Endpoint:
        @wraps(handler)
        async def endpoint(request: Request) -> Response:
            resources, client = _open(request)
            try:
                _refuse_query(request)
                value = await read(request, resources, client)
            except Refused:
                await count_call(resources, client)
                raise
            return await handler(resources, client, value)

        return endpoint

    return decorate


def _open(request: Request) -> tuple[Resources, Client]:
    refuse_duplicate_headers(request.headers.raw)
    client = authenticate(request)
    return request.app.state.resources, client


def _refuse_query(request: Request) -> None:
    if request.scope["query_string"]:
        parse_query(request, NoQuery)
