"""Cross-origin requests: pages of the origins in CORS_ORIGINS may call the API from a browser.

Source: https://fetch.spec.whatwg.org/#http-cors-protocol
"""

from collections.abc import Sequence
from http import HTTPStatus

from starlette.datastructures import Headers
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from bridge.web.problems import problem
from bridge.web.refusals import Refusal

METHODS = ("GET", "HEAD", "POST")
REQUEST_HEADERS = ("Authorization", "Content-Type", "Idempotency-Key", "X-Request-Id")
RESPONSE_HEADERS = ("Idempotent-Replayed", "Location", "Retry-After", "X-Request-Id")
ORIGINS = "cors_origins"
"""The name of the allowed origins in the state of the lifespan, which the HTTP protocol reads."""


class ConfiguredCors:
    """Wraps the app in Starlette's middleware if the settings name origins; they are known only once it has started."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._configured: ASGIApp | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._configured is None:
            if scope["type"] != "http":
                await self._app(scope, receive, send)
                return
            self._configured = self._with_origins(scope["app"].state.resources.settings.cors_origins)
        await self._configured(scope, receive, send)

    def _with_origins(self, origins: tuple[str, ...]) -> ASGIApp:
        if not origins:
            return self._app
        return Cors(
            self._app,
            allow_origins=origins,
            allow_methods=METHODS,
            allow_headers=REQUEST_HEADERS,
            expose_headers=RESPONSE_HEADERS,
        )


class Cors(CORSMiddleware):
    """Starlette's middleware, which refuses a preflight with a problem document."""

    def preflight_response(self, request_headers: Headers) -> Response:
        response = super().preflight_response(request_headers)
        if response.status_code != HTTPStatus.BAD_REQUEST:
            return response
        kept = {name: value for name, value in response.headers.items() if not name.startswith("content-")}
        return problem(Refusal.PREFLIGHT_REFUSED, self._objections(request_headers), headers=kept)

    def _objections(self, headers: Headers) -> str:
        """Describe what a preflight asks for that is not allowed."""
        objections = {
            "CORS_ORIGINS does not contain this origin.": not self.is_allowed_origin(headers["origin"]),
            f"The methods are {', '.join(METHODS)}.": headers["access-control-request-method"] not in METHODS,
            f"The headers are {', '.join(REQUEST_HEADERS)}.": not self._allows(
                headers.get("access-control-request-headers", "")
            ),
            "Requests from public pages into a private network are not allowed.": (
                "access-control-request-private-network" in headers
            ),
        }
        return " ".join(words for words, applies in objections.items() if applies)

    def _allows(self, names: str) -> bool:
        return not names or all(name.strip().lower() in self.allow_headers for name in names.split(","))


def headers_for(origins: Sequence[str], request_headers: Sequence[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    """Return the headers by which a page may read a response that was sent without the middleware."""
    if not origins:
        return []
    sent = [value for name, value in request_headers if name == b"origin"]
    vary = (b"vary", b"Origin")
    if len(sent) != 1 or sent[0].decode("latin-1") not in origins:
        return [vary]
    exposed = (b"access-control-expose-headers", ", ".join(RESPONSE_HEADERS).encode())
    return [(b"access-control-allow-origin", sent[0]), exposed, vary]
