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
from bridge.sandbox.rate_limit_window import Window
from bridge.sandbox.receivers import Receivers
from bridge.sandbox.settings import SandboxSettings
from bridge.sandbox.slack.acts.acting import Acting
from bridge.sandbox.slack.acts.bridge_link import BridgeLink
from bridge.sandbox.slack.api.calls import SlackApi
from bridge.sandbox.slack.control import SlackControl
from bridge.sandbox.slack.page.forms import Forms
from bridge.sandbox.slack.state.workspace import Workspace


def create_app(settings: SandboxSettings | None = None, now: Callable[[], float] = time.time) -> Starlette:
    """Build a sandbox with its own state; `now` returns Unix seconds."""
    settings = settings or SandboxSettings.from_env()
    window = Window(settings.rate_limit, settings.rate_window)
    pushes = Pushes(settings.bridge_url, settings.webhook_secrets, now)
    rally = Rally(key=settings.rally_key, window=window, pushes=pushes, now=now)
    inbox = Inbox(secrets=settings.callback_secrets, now=now)
    slack = Workspace(settings.slack, now)
    link = BridgeLink(url=settings.bridge_url, secret=settings.slack_signing_secret, now=now)
    receivers = Receivers(inbox, slack, SlackApi(slack, inbox))
    forms = Forms(slack, Acting(slack, link))
    control = Control(rally, inbox, slack, window)
    slack_control = SlackControl(slack)
    push_control = PushControl(rally)
    key = settings.bridge_key
    demo_bridge = DemoBridge(url=settings.bridge_url, key=key) if settings.bridge_url and key else None
    page = Page(rally, inbox, slack, demo_bridge, has_app=link.enabled)
    return Starlette(
        routes=[
            Route("/rally/api/public/v1/imports/{import_id:path}", rally.get_import, methods=["GET"]),
            Route("/rally/api/public/v1/people/import", rally.import_people, methods=["POST"]),
            Route("/inbox/services/{team}/{bot}/{token}", receivers.slack_webhook, methods=["POST"]),
            Route("/slack/api/{method}", receivers.slack_method, methods=["POST"]),
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
            Route("/control/slack", slack_control.state, methods=["GET"]),
            Route("/control/slack/faults", slack_control.add_fault, methods=["POST"]),
            Route("/control/slack/channels/{channel_id}", slack_control.put_channel, methods=["PUT"]),
            Route("/control/slack/messages/{channel_id}/{ts}", slack_control.delete_message, methods=["DELETE"]),
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
            Route("/inbox/slack/messages", forms.message, methods=["POST"]),
            Route("/inbox/slack/buttons", forms.button, methods=["POST"]),
            Route("/inbox/slack/shortcuts", forms.shortcut, methods=["POST"]),
            Route("/inbox/slack/modals/{view_id}", forms.modal, methods=["POST"]),
            Route("/inbox/slack/files/{file_id}/{name:path}", forms.file, methods=["GET"]),
            Route("/inbox.css", style, methods=["GET"]),
            Route("/inbox.js", script, methods=["GET"]),
            Route("/healthz", _healthz, methods=["GET"]),
        ],
        middleware=[Middleware(ReadOnlyForPages)],
    )


async def _healthz(_: Request) -> Response:
    return JSONResponse({"status": "alive"})
