"""Protection from web pages: in a browser, any site could send a form to the sandbox on loopback."""

from ipaddress import ip_address
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

SAFE = {"GET", "HEAD", "OPTIONS"}
OF_PAGES = ("origin", "sec-fetch-site")
"""The headers that a browser adds to requests of a page, and that no page can omit."""
BUTTONS = ("/inbox/demos/", "/inbox/uploads", "/inbox/slack/")
"""The paths of the requests that the inbox page itself may send."""


class ReadOnlyForPages:
    """An ASGI middleware that refuses requests of web pages that would change something, except for the inbox's own."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["method"] not in SAFE and _is_refused(scope["path"], Headers(scope=scope)):
            answer = PlainTextResponse("A page in a browser may not send this request.", 403)
            await answer(scope, receive, send)
        else:
            await self._app(scope, receive, send)


def _is_refused(path: str, headers: Headers) -> bool:
    of_page = any(name in headers for name in OF_PAGES)
    return of_page and not (path.startswith(BUTTONS) and _is_own_page(headers))


def _is_own_page(headers: Headers) -> bool:
    """Return whether a request was sent by a page of this server, reached by its address.

    By a name of its own, a foreign site could resolve to this machine, and so count as the same origin.
    """
    host = headers.get("host", "")
    return headers.get("origin") == f"http://{host}" and _is_local_name(host)


def _is_local_name(host: str) -> bool:
    try:
        name = urlsplit(f"//{host}").hostname or ""
        return name == "localhost" or bool(ip_address(name))
    except ValueError:
        return False
