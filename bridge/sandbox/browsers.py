"""Protection from web pages: in a browser, any site could send a form to the sandbox on loopback."""

from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

SAFE = {"GET", "HEAD", "OPTIONS"}
OF_PAGES = {b"origin", b"sec-fetch-site"}
"""Headers that a browser adds to requests of a page, and that no page can omit."""


class ReadOnlyForPages:
    """An ASGI middleware that refuses requests of web pages that would change something."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        refused = scope["type"] == "http" and scope["method"] not in SAFE
        if refused and any(name in OF_PAGES for name, _ in scope["headers"]):
            answer = PlainTextResponse("A page in a browser may not send this request.", 403)
            await answer(scope, receive, send)
        else:
            await self._app(scope, receive, send)
