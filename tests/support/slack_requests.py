"""Requests as Slack sends them, signed by Slack's own library; and a stand-in for Slack's API."""

import hmac
import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlencode

import httpx
from slack_sdk.signature import SignatureVerifier
from starlette.applications import Starlette
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from tests.support.world import serving

SIGNING_SECRET = "8f742231b10e8888abcd99yyyzzz85a5"
"""The secret of Slack's documentation."""
OTHER_SECRET = "0123456789abcdef0123456789abcdef"
TEAM, APP, USER, COLLEAGUE, CHANNEL = "T000", "A000", "U0ALICE", "U0BOB", "C0PANELS"
VIEW, MESSAGES, FILE = "V0MODAL", "D0ALICE", "F0FILE"
"""The ids of a modal, of the direct messages with the user, and of a file, as the stand-in names them."""
SLACK_CLIENT = f'[clients.slack]\nslack = {{team = "{TEAM}", app = "{APP}"}}\n'


def signed_headers(body: bytes, *, secret: str = SIGNING_SECRET, at: float | None = None) -> dict[str, str]:
    timestamp = str(int(time.time() if at is None else at))
    return {
        "content-type": "application/x-www-form-urlencoded",
        "x-slack-request-timestamp": timestamp,
        "x-slack-signature": _signature(timestamp, body, secret),
    }


def _signature(timestamp: str, body: bytes, secret: str) -> str:
    """Sign with Slack's library, which signs text only."""
    try:
        text = body.decode()
    except UnicodeDecodeError:
        code = hmac.new(secret.encode(), b"v0:%s:%s" % (timestamp.encode(), body), "sha256")
        return f"v0={code.hexdigest()}"
    return str(SignatureVerifier(secret).generate_signature(timestamp=timestamp, body=text))


def command_form(text: str, **changes: str) -> dict[str, str]:
    """Return all documented fields of a command."""
    form = {
        "token": "deprecated",
        "team_id": TEAM,
        "team_domain": "example",
        "enterprise_id": "",
        "channel_id": CHANNEL,
        "channel_name": "panels",
        "user_id": USER,
        "user_name": "alice",
        "command": "/rally",
        "text": text,
        "api_app_id": APP,
        "is_enterprise_install": "false",
        "response_url": "https://hooks.slack.com/commands/T000/1/secret-of-the-url",
        "trigger_id": f"1.2.{time.monotonic_ns()}",
    }
    return form | changes


async def send_command(api: httpx.AsyncClient, text: str, **changes: str) -> httpx.Response:
    body = urlencode(command_form(text, **changes)).encode()
    return await api.post("/slack/commands", content=body, headers=signed_headers(body))


async def send_interaction(api: httpx.AsyncClient, payload: dict[str, Any]) -> httpx.Response:
    body = urlencode({"payload": json.dumps(payload)}).encode()
    return await api.post("/slack/interactions", content=body, headers=signed_headers(body))


def text_of(answer: httpx.Response) -> str:
    """Return the text of an ephemeral answer; check that it is one."""
    assert answer.status_code == 200, answer.text
    document = answer.json()
    assert document["response_type"] == "ephemeral"
    text: str = document["text"]
    return text


@dataclass
class SlackStandIn:
    """Slack's API and its response URLs: keeps what was called, and answers as told."""

    url: str = ""
    calls: list[tuple[str, Any]] = field(default_factory=list)
    answers: dict[str, Any] = field(default_factory=dict)
    """The document, or the status, with which each method is answered; the default is a success."""
    headers: dict[str, Headers] = field(default_factory=dict)
    """The headers of the last call of each method."""
    answer_headers: dict[str, str] = field(default_factory=dict)
    """The headers of the answers that were set."""
    on_call: dict[str, Callable[[], object]] = field(default_factory=dict)
    """What happens before a method is answered."""
    posts: int = 0

    @property
    def host(self) -> str:
        return self.url.removeprefix("http://")

    @property
    def successes(self) -> dict[str, dict[str, Any]]:
        """What Slack answers beside `ok`."""
        return {
            "auth.test": {"team_id": TEAM},
            "views.open": {"view": {"id": VIEW, "type": "modal"}},
            "conversations.open": {"channel": {"id": MESSAGES}},
            "files.getUploadURLExternal": {"file_id": FILE, "upload_url": f"{self.url}/upload/v1/SECRET-OF-THE-URL"},
        }

    @property
    def response_url(self) -> str:
        return f"{self.url}/commands/T000/1/secret-of-the-url"

    def reset(self) -> None:
        """Forget the calls, and answer with successes."""
        self.calls.clear()
        self.answers.clear()
        self.headers.clear()
        self.answer_headers.clear()
        self.on_call.clear()
        self.posts = 0

    def of(self, method: str) -> list[Any]:
        """Return the bodies that a method was called with."""
        return [body for name, body in self.calls if name == method]

    async def answer(self, request: Request) -> Response:
        method = request.path_params["method"].split("/")[0]
        self.calls.append((method, _contents(request, await request.body())))
        self.headers[method] = request.headers
        self.on_call.get(method, lambda: None)()
        match self.answers.get(method):
            case None:
                return JSONResponse(self._success(method, self.calls[-1][1]))
            case int(status):
                return PlainTextResponse("", status, self.answer_headers)
            case document:
                return JSONResponse(document, headers=self.answer_headers)

    def _success(self, method: str, body: Any) -> dict[str, Any]:
        if method != "chat.postMessage":
            return {"ok": True} | self.successes.get(method, {})
        self.posts += 1
        return {"ok": True, "channel": body["channel"], "ts": f"1800000000.{self.posts:06}"}


def _contents(request: Request, body: bytes) -> Any:
    """Return what a request contains: JSON, the fields of a form, or the bytes of a file."""
    match request.headers["content-type"].split(";")[0]:
        case "application/json":
            return json.loads(body)
        case "application/x-www-form-urlencoded":
            return dict(parse_qsl(body.decode(), keep_blank_values=True, strict_parsing=True))
        case _:
            return body


@contextmanager
def slack_serving() -> Iterator[SlackStandIn]:
    slack = SlackStandIn()
    routes = [Route(f"/{prefix}{{method:path}}", slack.answer, methods=["POST"]) for prefix in ("api/", "")]
    with serving(Starlette(routes=routes)) as slack.url:
        yield slack


def click(
    slack: SlackStandIn, action: str, value: str, *, channel: str = CHANNEL, user: str = USER, ephemeral: bool = False
) -> dict[str, Any]:
    """Return the payload of a click on a button."""
    return {
        "type": "block_actions",
        "team": {"id": TEAM, "domain": "example"},
        "user": {"id": user, "username": "someone", "team_id": TEAM},
        "api_app_id": APP,
        "token": "deprecated",
        "container": {
            "type": "message",
            "message_ts": "1.2",
            "channel_id": channel,
            "is_ephemeral": ephemeral,
        },
        "trigger_id": f"1.2.{time.monotonic_ns()}",
        "channel": {"id": channel, "name": "panels"},
        "message": {"text": "…"},
        "response_url": slack.response_url,
        "actions": [
            {"action_id": action, "block_id": "x", "type": "button", "value": value, "action_ts": str(time.time())}
        ],
    }


def modal_click(action: str, value: str, view: dict[str, Any], *, user: str = USER) -> dict[str, Any]:
    """Return the payload of a click in a modal that Slack was told to show."""
    return {
        "type": "block_actions",
        "team": {"id": TEAM, "domain": "example"},
        "user": {"id": user, "username": "someone", "team_id": TEAM},
        "api_app_id": APP,
        "token": "deprecated",
        "container": {"type": "view", "view_id": VIEW},
        "trigger_id": f"1.2.{time.monotonic_ns()}",
        "view": {**view, "id": VIEW, "team_id": TEAM, "state": {"values": {}}, "hash": "1.x"},
        "actions": [
            {"action_id": action, "block_id": "x", "type": "button", "value": value, "action_ts": str(time.time())}
        ],
    }


def shortcut(callback: str, **more: Any) -> dict[str, Any]:
    """Return the payload of a shortcut; one on a message has the message, its channel and a response_url as well."""
    return {
        "type": "message_action" if "message" in more else "shortcut",
        "team": {"id": TEAM, "domain": "example"},
        "user": {"id": USER, "username": "alice", "team_id": TEAM},
        "api_app_id": APP,
        "callback_id": callback,
        "trigger_id": f"1.2.{time.monotonic_ns()}",
        **more,
    }


def submission(slack: SlackStandIn, **values: str | None) -> dict[str, Any]:
    """Return the payload of the submitted modal."""
    given = {"import": "imp", "label": None, "channel": CHANNEL, "outcomes": "always", "progress": "live"} | values
    chosen = [] if given["progress"] is None else [{"value": given["progress"]}]
    elements = {
        "import": {"type": "plain_text_input", "value": given["import"]},
        "label": {"type": "plain_text_input", "value": given["label"]},
        "channel": {"type": "conversations_select", "selected_conversation": given["channel"]},
        "outcomes": {"type": "radio_buttons", "selected_option": {"value": given["outcomes"]}},
        "progress": {
            "type": "checkboxes",
            "selected_options": chosen,
        },
    }
    return {
        "type": "view_submission",
        "team": {"id": TEAM, "domain": "example"},
        "user": {"id": USER, "username": "alice", "team_id": TEAM},
        "api_app_id": APP,
        "trigger_id": f"1.2.{time.monotonic_ns()}",
        "view": {
            "type": "modal",
            "callback_id": "watch_import",
            "state": {"values": {block: {"value": element} for block, element in elements.items()}},
        },
        "response_urls": [
            {"block_id": "channel", "action_id": "value", "channel_id": CHANNEL, "response_url": slack.response_url}
        ],
    }
