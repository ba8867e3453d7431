"""The sandbox as an ASGI app: `uvicorn --factory bridge.sandbox.app:create_app`."""

import time
from collections.abc import Callable
from pathlib import Path

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Route

from bridge.sandbox.browsers import ReadOnlyForPages
from bridge.sandbox.control import Control
from bridge.sandbox.inbox import Inbox
from bridge.sandbox.page import Page
from bridge.sandbox.rally import Rally
from bridge.sandbox.settings import SandboxSettings
from bridge.sandbox.window import Window

STYLE = Path(__file__).with_name("style.css")


def create_app(settings: SandboxSettings | None = None, now: Callable[[], float] = time.time) -> Starlette:
    """Build a sandbox with its own state; `now` returns Unix seconds."""
    settings = settings or SandboxSettings.from_env()
    window = Window(settings.rate_limit, settings.rate_window)
    rally = Rally(key=settings.rally_key, window=window, now=now)
    inbox = Inbox(secrets=settings.callback_secrets, slack_token=settings.slack_token, now=now)
    control = Control(rally, inbox, window)
    page = Page(rally, inbox)
    return Starlette(
        routes=[
            Route("/rally/api/public/v1/imports/{import_id:path}", rally.get_import, methods=["GET"]),
            Route("/rally/api/public/v1/people/import", rally.import_people, methods=["POST"]),
            Route("/inbox/services/{team}/{bot}/{token}", inbox.slack_webhook, methods=["POST"]),
            Route("/slack/api/chat.postMessage", inbox.post_message, methods=["POST"]),
            Route("/slack/api/auth.test", inbox.auth_test, methods=["POST"]),
            Route("/inbox/callbacks/{name}", inbox.callback, methods=["POST"]),
            Route("/inbox/messages", control.messages, methods=["GET"]),
            Route("/inbox/messages", control.delete_messages, methods=["DELETE"]),
            Route("/control/imports/{import_id:path}", control.put_import, methods=["PUT"]),
            Route("/control/imports/{import_id:path}", control.delete_import, methods=["DELETE"]),
            Route("/control/faults", control.add_fault, methods=["POST"]),
            Route("/control/limit", control.put_limit, methods=["PUT"]),
            Route("/control/key", control.put_key, methods=["PUT"]),
            Route("/control/callback-secrets", control.put_secrets, methods=["PUT"]),
            Route("/control/inbox/{name}/answers", control.plan_answers, methods=["POST"]),
            Route("/control/requests", control.requests, methods=["GET"]),
            Route("/control/windows", control.windows, methods=["GET"]),
            Route("/control/reset", control.reset, methods=["POST"]),
            Route("/", page.show, methods=["GET"]),
            Route("/inbox", page.show, methods=["GET"]),
            Route("/style.css", _style, methods=["GET"]),
            Route("/healthz", _healthz, methods=["GET"]),
        ],
        middleware=[Middleware(ReadOnlyForPages)],
    )


async def _style(_: Request) -> Response:
    return FileResponse(STYLE, media_type="text/css")


async def _healthz(_: Request) -> Response:
    return JSONResponse({"status": "alive"})
