"""Calls: what can be done at one path, method by method."""

from collections.abc import Awaitable, Callable

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from bridge.errors import Refusal, Refused
from bridge.web.forms import JSON, takes

PATH = "rally_bridge.path"
"""Where in the scope the route's template is noted, for the metrics."""

Endpoint = Callable[[Request], Awaitable[Response]]


class Calls:
    """An ASGI app that answers HEAD as GET, OPTIONS with what is allowed, and whatever else with 405.

    A call is made only where the caller takes the form of its answer.
    """

    def __init__(self, path: str, endpoints: dict[str, Endpoint], form: str = JSON) -> None:
        self._path = path
        self.form = form
        self.endpoints = endpoints
        """By method; what the API's description is made of."""
        head = {"HEAD"} if "GET" in endpoints else set()
        self._allow = {"Allow": ", ".join(sorted({*endpoints, *head, "OPTIONS"}))}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope[PATH] = self._path
        response = await self._answer(Request(scope, receive, send))
        await response(scope, receive, send)

    async def _answer(self, request: Request) -> Response:
        if request.method == "OPTIONS":
            return Response(status_code=204, headers=self._allow)
        endpoint = self.endpoints.get("GET" if request.method == "HEAD" else request.method)
        if endpoint is None:
            raise HTTPException(405, headers=self._allow)
        if not takes(",".join(request.headers.getlist("accept")), self.form):
            raise Refused(Refusal.NOT_IN_THAT_FORM, f"The answer is {self.form}: accept that.")
        return await endpoint(request)


def at(path: str, *, form: str = JSON, **endpoints: Endpoint) -> Route:
    """Give the route of a path; `endpoints` by method, in capitals, all answering in one form."""
    return Route(path, Calls(path, endpoints, form))
