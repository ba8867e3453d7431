"""Browsers: a page in one may look at the sandbox and change nothing; any site could send a form to loopback."""

from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

SAFE = {"GET", "HEAD", "OPTIONS"}
OF_PAGES = {b"origin", b"sec-fetch-site"}
"""Headers that a browser adds to what a page sends, and that no page can leave out."""


class PagesOnlyLook:
    """An ASGI middleware that refuses what would change something and comes from a page."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        refused = scope["type"] == "http" and scope["method"] not in SAFE
        if refused and any(name in OF_PAGES for name, _ in scope["headers"]):
            answer = PlainTextResponse("This can't be asked for by a page in a browser.", 403)
            await answer(scope, receive, send)
        else:
            await self._app(scope, receive, send)
