"""Slack's API over HTTP: methods, response URLs, and uploads of files.

Source: https://docs.slack.dev/apis/web-api
"""

import asyncio
import hmac
import json
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response

from bridge.sandbox.cut_off import cut_off
from bridge.sandbox.inbox import Inbox, json_in
from bridge.sandbox.slack.api.answering import answer_person
from bridge.sandbox.slack.api.file_methods import complete_upload, get_upload_url
from bridge.sandbox.slack.api.message_methods import (
    Answer,
    Arguments,
    open_conversation,
    post_ephemeral,
    post_message,
    update,
)
from bridge.sandbox.slack.api.modal_methods import open_view, update_view
from bridge.sandbox.slack.api.refusal import Refused, invalid_arguments
from bridge.sandbox.slack.state.faults import RESPONSE_URL, UPLOAD, SlackFault
from bridge.sandbox.slack.state.identity import BOT_USER, TEAM_NAME
from bridge.sandbox.slack.state.workspace import Call, Workspace

POST_MESSAGE = "chat.postMessage"
METHODS: Mapping[str, Callable[[Workspace, Arguments], Answer]] = {
    POST_MESSAGE: post_message,
    "chat.update": update,
    "chat.postEphemeral": post_ephemeral,
    "conversations.open": open_conversation,
    "views.open": open_view,
    "views.update": update_view,
    "files.getUploadURLExternal": get_upload_url,
    "files.completeUploadExternal": complete_upload,
    "auth.test": lambda slack, _: {
        "team": TEAM_NAME,
        "user": "rally-bridge",
        "team_id": slack.identity.team,
        "user_id": BOT_USER,
    },
}
FORM_ONLY = frozenset({"files.getUploadURLExternal"})
"""Methods that ignore a body in JSON, whatever the documentation says."""
IN_JSON = ("blocks", "view", "files")
"""The arguments that a form has in JSON."""
FORM, JSON = "application/x-www-form-urlencoded", "application/json"


class SlackApi:
    """Answers calls as Slack does: always with 200, and the result in `ok`."""

    def __init__(self, slack: Workspace, inbox: Inbox) -> None:
        self._slack = slack
        self._inbox = inbox

    async def call(self, request: Request, method: str) -> Response:
        """Carry out a method, or fail as planned."""
        body = await request.body()
        fault = self._slack.faults.take(method)
        refused = await self._fail(fault)
        planned = await self._inbox.planned_response("slack") if method == POST_MESSAGE and refused is None else None
        if refused is not None or planned is not None:
            response = refused or planned or Response()
            self._record(method, "", f"HTTP {response.status_code}" if fault is None else fault.error or "as planned")
            self._keep(request, method, body, response, None, posted=False)
            return response
        return self._answer(request, method, body, lost=fault is not None and fault.lost)

    async def respond(self, request: Request, path: str) -> Response:
        """Take an answer to a person through a response URL."""
        body = json_in((await request.body()).decode("utf-8", "replace"))
        fault = self._slack.faults.take(RESPONSE_URL)
        if (refused := await self._fail(fault)) is not None:
            return refused
        problem = answer_person(self._slack, path, body if isinstance(body, dict) else {})
        self._record(RESPONSE_URL, "", problem or "ok")
        if fault is not None and fault.lost:
            return cut_off({})
        if problem is None:
            return PlainTextResponse("ok")
        return PlainTextResponse(problem, 404 if problem == "expired_url" else 400)

    async def take_upload(self, request: Request, path: str) -> Response:
        """Take the bytes of a file: the body, or the only part of a form."""
        body = _only_part(await request.body(), request.headers.get("content-type", ""))
        fault = self._slack.faults.take(UPLOAD)
        if (refused := await self._fail(fault)) is not None:
            return refused
        upload = self._slack.uploads.fill(path, body)
        self._record(UPLOAD, "", "ok" if upload else "not announced, or of another length")
        if fault is not None and fault.lost:
            return cut_off({})
        return PlainTextResponse(f"OK - {len(body)}") if upload else PlainTextResponse("upload failed", 400)

    def _answer(self, request: Request, method: str, body: bytes, *, lost: bool) -> Response:
        why, arguments = None, dict[str, Any]()
        try:
            self._check_token(request)
            arguments = _arguments(method, body, request.headers.get("content-type", ""))
            answer: Answer = {"ok": True, **_method(method)(self._slack, arguments)}
        except Refused as refused:
            why = refused
            answer = {"ok": False, "error": refused.error}
            if refused.messages:
                answer["response_metadata"] = {"messages": list(refused.messages)}
        channel = str(arguments.get("channel") or arguments.get("channel_id") or "")
        self._record(method, channel, "ok" if why is None else why.error, "" if why is None else why.reason)
        response = JSONResponse(answer)
        self._keep(request, method, body, response, why, posted=why is None)
        return cut_off({}) if lost else response

    def _check_token(self, request: Request) -> None:
        offered = request.headers.get("authorization", "").encode()
        token = self._slack.identity.token
        if not offered:
            raise Refused("not_authed")
        if not token or not hmac.compare_digest(offered, f"Bearer {token}".encode()):
            raise Refused("invalid_auth")

    async def _fail(self, fault: SlackFault | None) -> Response | None:
        """Return the response of a fault; None if the call is carried out."""
        if fault is None:
            return None
        await asyncio.sleep(fault.delay)
        headers = {} if fault.retry_after is None else {"Retry-After": str(fault.retry_after)}
        if fault.status is not None:
            return JSONResponse({"ok": False, "error": fault.error or "ratelimited"}, fault.status, headers)
        return None if fault.error is None else JSONResponse({"ok": False, "error": fault.error}, headers=headers)

    def _record(self, method: str, channel: str, result: str, reason: str = "") -> None:
        call = Call(at=self._slack.now(), method=method, channel=channel, result=result, reason=reason)
        self._slack.calls.append(call)
        self._slack.changes.note()

    def _keep(
        self, request: Request, method: str, body: bytes, response: Response, why: Refused | None, *, posted: bool
    ) -> None:
        """Keep a message in the inbox, also one that was refused."""
        if method == POST_MESSAGE:
            text, reason = body.decode("utf-8", "replace"), None if why is None else why.reason
            status = response.status_code
            self._inbox.keep(request, "slack", "slack", text, status, verified=why is None, why=reason, posted=posted)


def _method(name: str) -> Callable[[Workspace, Arguments], Answer]:
    if name not in METHODS:
        raise Refused("unknown_method")
    return METHODS[name]


def _arguments(method: str, body: bytes, content_type: str) -> dict[str, Any]:
    """Return the arguments of a call, from JSON or from a form."""
    text, kind = body.decode("utf-8", "replace"), content_type.partition(";")[0].strip().lower()
    if not text or (kind == JSON and method in FORM_ONLY):
        return {}
    if kind == JSON:
        found = json_in(text)
        if not isinstance(found, dict):
            raise Refused("json_not_object")
        return found
    if kind == FORM:
        return {name: _value(name, value) for name, value in parse_qsl(text, keep_blank_values=True)}
    raise Refused("invalid_post_type")


def _value(name: str, text: str) -> Any:
    if name not in IN_JSON:
        return text
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        raise invalid_arguments(f"{name} is not JSON") from None


def _only_part(body: bytes, content_type: str) -> bytes:
    """Return the content of the only part of a multipart form; any other body as it is."""
    kind, _, parameter = content_type.partition("boundary=")
    if not kind.startswith("multipart/"):
        return body
    boundary = b"--" + parameter.strip(' "').encode()
    part = body.partition(boundary)[2].partition(b"\r\n\r\n")[2]
    return part.rpartition(b"\r\n" + boundary)[0]
