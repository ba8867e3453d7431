"""Calls: what can be done at one path, method by method."""

from collections import Counter
from collections.abc import Awaitable, Callable, Sequence

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from bridge.errors import Refusal, Refused
from bridge.web.forms import AS_IT_IS, JSON, takes

PATH = "rally_bridge.path"
"""Where in the scope the route's template is noted, for the metrics."""

ONCE = {b"authorization", b"idempotency-key", b"content-type", b"content-encoding"}
"""Headers of which a request has at most one: of two, what stands between us and the caller may have read the other."""
ENCODED_SLASH = b"%2f"
"""Servers decode the path before it is routed, so that `/v1%2Fwatches` would be `/v1/watches` here and nowhere else."""

Endpoint = Callable[[Request], Awaitable[Response]]


class Resource:
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
        if ENCODED_SLASH in scope.get("raw_path", b"").lower():
            raise HTTPException(404)
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
        if self.form != AS_IT_IS and (repeated := _repeated(request.headers.raw)):
            raise Refused(Refusal.DUPLICATE_HEADER, f"Send one {repeated} header.")
        return await endpoint(request)


def _repeated(headers: Sequence[tuple[bytes, bytes]]) -> str | None:
    """Return the name of a header that is given more than once, and may not be."""
    names = [name for name, _ in headers]
    if len(set(names)) == len(names):
        return None  # as in nearly all requests
    return next((name.decode().title() for name, count in Counter(names).items() if count > 1 and name in ONCE), None)


def at(path: str, *, form: str = JSON, **endpoints: Endpoint) -> Route:
    """Give the route of a path; `endpoints` by method, in capitals, all answering in one form."""
    return Route(path, Resource(path, endpoints, form))
