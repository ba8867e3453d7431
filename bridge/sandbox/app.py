"""The sandbox as an ASGI app: `uvicorn --factory bridge.sandbox.app:create_app`."""

import time
from collections.abc import Callable

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from bridge.sandbox.browsers import ReadOnlyForPages
from bridge.sandbox.control import Control
from bridge.sandbox.demo_buttons import DemoBridge
from bridge.sandbox.inbox import Inbox
from bridge.sandbox.page import Page, script, style
from bridge.sandbox.push_control import PushControl
from bridge.sandbox.pushes import Pushes
from bridge.sandbox.rally import Rally
from bridge.sandbox.receivers import Receivers
from bridge.sandbox.settings import SandboxSettings
from bridge.sandbox.window import Window


def create_app(settings: SandboxSettings | None = None, now: Callable[[], float] = time.time) -> Starlette:
    """Build a sandbox with its own state; `now` returns Unix seconds."""
    settings = settings or SandboxSettings.from_env()
    window = Window(settings.rate_limit, settings.rate_window)
    pushes = Pushes(settings.bridge_url, settings.webhook_secrets, now)
    rally = Rally(key=settings.rally_key, window=window, pushes=pushes, now=now)
    inbox = Inbox(secrets=settings.callback_secrets, now=now)
    receivers = Receivers(inbox, slack_token=settings.slack_token)
    control = Control(rally, inbox, window)
    push_control = PushControl(rally)
    key = settings.bridge_key
    page = Page(rally, inbox, DemoBridge(url=settings.bridge_url, key=key) if settings.bridge_url and key else None)
    return Starlette(
        routes=[
            Route("/rally/api/public/v1/imports/{import_id:path}", rally.get_import, methods=["GET"]),
            Route("/rally/api/public/v1/people/import", rally.import_people, methods=["POST"]),
            Route("/inbox/services/{team}/{bot}/{token}", receivers.slack_webhook, methods=["POST"]),
            Route("/slack/api/chat.postMessage", receivers.post_message, methods=["POST"]),
            Route("/slack/api/auth.test", receivers.auth_test, methods=["POST"]),
            Route("/inbox/callbacks/{name}", receivers.callback, methods=["POST"]),
            Route("/outbound/{scheme}/{host}/{path:path}", receivers.outbound, methods=["POST"]),
            Route("/inbox/messages", control.messages, methods=["GET"]),
            Route("/inbox/messages", control.delete_messages, methods=["DELETE"]),
            Route("/control/imports/{import_id:path}", control.put_import, methods=["PUT"]),
            Route("/control/imports/{import_id:path}", control.delete_import, methods=["DELETE"]),
            Route("/control/faults", control.add_fault, methods=["POST"]),
            Route("/control/limit", control.put_limit, methods=["PUT"]),
            Route("/control/key", control.put_key, methods=["PUT"]),
            Route("/control/callback-secrets", control.put_secrets, methods=["PUT"]),
            Route("/control/inbox/{name}/answers", control.plan_answers, methods=["POST"]),
            Route("/control/pushes", push_control.send, methods=["POST"]),
            Route("/control/pushes", push_control.sent, methods=["GET"]),
            Route("/control/webhook-secrets", push_control.put_secrets, methods=["PUT"]),
            Route("/control/requests", control.requests, methods=["GET"]),
            Route("/control/windows", control.windows, methods=["GET"]),
            Route("/control/reset", control.reset, methods=["POST"]),
            Route("/", page.show, methods=["GET"]),
            Route("/inbox", page.show, methods=["GET"]),
            Route("/inbox/demos/{import_id}", page.start_demo, methods=["POST"]),
            Route("/inbox/uploads", page.upload, methods=["POST"]),
            Route("/inbox.css", style, methods=["GET"]),
            Route("/inbox.js", script, methods=["GET"]),
            Route("/healthz", _healthz, methods=["GET"]),
        ],
        middleware=[Middleware(ReadOnlyForPages)],
    )


async def _healthz(_: Request) -> Response:
    return JSONResponse({"status": "alive"})
