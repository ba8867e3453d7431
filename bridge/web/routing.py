"""Routing: the methods of one path, and the path's template for the metrics.

Starlette would need one Route for each method of a path, and each would name only its own method in a 405's `Allow`.
"""

from collections.abc import Awaitable, Callable

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

PATH = "rally_bridge.path"
"""The key in the ASGI scope for the route's path template; the metrics use it as a label."""
CLIENT = "rally_bridge.client"
"""The key in the ASGI scope for the name of the client, once it is known; for the access log."""
CODE = "rally_bridge.code"
"""The key for the code of the refusal, likewise."""
ENCODED_SLASH = b"%2f"
"""An encoded slash in a path. Decoded, `/v1%2Fwatches` would be `/v1/watches`, but a proxy sees another path."""

Endpoint = Callable[[Request], Awaitable[Response]]


class Resource:
    """An ASGI app for one path: calls the method's endpoint, and answers OPTIONS and unsupported methods."""

    def __init__(self, path: str, endpoints: dict[str, Endpoint]) -> None:
        self._path = path
        self.endpoints = endpoints
        """The endpoints by method; the OpenAPI description is generated from them."""
        head = {"HEAD"} if "GET" in endpoints else set()
        self._allow = {"Allow": ", ".join(sorted({*endpoints, *head, "OPTIONS"}))}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if ENCODED_SLASH in scope.get("raw_path", b"").lower():
            raise HTTPException(404)
        scope[PATH] = self._path
        response = await self._respond(Request(scope, receive, send))
        await response(scope, receive, send)

    async def _respond(self, request: Request) -> Response:
        if request.method == "OPTIONS":
            return Response(status_code=204, headers=self._allow)
        endpoint = self.endpoints.get("GET" if request.method == "HEAD" else request.method)
        if endpoint is None:
            raise HTTPException(405, headers=self._allow)
        return await endpoint(request)


def resource(path: str, **endpoints: Endpoint) -> Route:
    """Return the route of a path; `endpoints` are named by their HTTP methods, in capitals."""
    return Route(path, Resource(path, endpoints))
