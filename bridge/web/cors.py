"""Cross-origin requests: pages of the origins in CORS_ORIGINS may call the API from a browser.

Source: https://fetch.spec.whatwg.org/#http-cors-protocol
"""

from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp, Receive, Scope, Send

METHODS = ("GET", "HEAD", "POST")
REQUEST_HEADERS = ("Authorization", "Content-Type", "Idempotency-Key", "X-Request-Id")
RESPONSE_HEADERS = ("Idempotent-Replayed", "Location", "Retry-After", "X-Request-Id")


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
        return CORSMiddleware(
            self._app,
            allow_origins=origins,
            allow_methods=METHODS,
            allow_headers=REQUEST_HEADERS,
            expose_headers=RESPONSE_HEADERS,
        )
