"""The inbox: receives and stores Slack messages and callbacks, and responds as their receivers would."""

import asyncio
import base64
import binascii
import hashlib
import hmac
import json
from collections import defaultdict, deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response

from bridge.sandbox.blocks import faults_of

MESSAGES_KEPT = 1000
LONGEST_TIMESTAMP = 20
TOLERANCE = 300
"""Seconds by which a callback's timestamp may differ, by Standard Webhooks."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """A received message; `verified` is for valid blocks or a valid signature, `why` is the fault otherwise."""

    kind: Literal["slack", "callback"]
    name: str
    at: float
    headers: Mapping[str, str]
    body: str
    status: int
    verified: bool
    why: str | None = None

    def parsed(self) -> Any:
        return _json_in(self.body)


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """A planned response to the next message, instead of the usual one."""

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    body: str = ""
    delay: float = 0.0


class Inbox:
    """The received messages, and the planned responses to the next ones."""

    def __init__(self, *, secrets: Sequence[str], slack_token: str, now: Callable[[], float]) -> None:
        self.now = now
        self.messages: deque[Message] = deque(maxlen=MESSAGES_KEPT)
        self.planned: defaultdict[str, deque[Planned]] = defaultdict(deque)
        self.secrets = tuple(secrets)
        self._slack_token = slack_token

    async def slack_webhook(self, request: Request) -> Response:
        """Respond as an incoming webhook does: `ok`, or an error code in plain text.

        Source: https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks
        """
        body = await _text_of(request)
        answer, why = self._slack_verdict(body)
        response = await self._planned("slack") or PlainTextResponse(answer, 200 if answer == "ok" else 400)
        self._keep(request, "slack", "slack", body, response.status_code, verified=answer == "ok", why=why)
        return response

    async def post_message(self, request: Request) -> Response:
        """Respond as `chat.postMessage` does: always 200, with success in `ok`.

        Source: https://docs.slack.dev/reference/methods/chat.postMessage
        """
        body = await _text_of(request)
        known = self._knows_token(request)
        answer, why = self._slack_verdict(body) if known else ("invalid_auth", "the token is not known")
        parsed = json.loads(body) if answer == "ok" else {}
        if answer == "ok" and not parsed.get("channel"):
            answer, why = "channel_not_found", "no channel is named"
        good = {"ok": True, "channel": parsed.get("channel"), "ts": f"{self.now():.6f}", "message": parsed}
        response = await self._planned("slack") or JSONResponse(
            good if answer == "ok" else {"ok": False, "error": answer}
        )
        self._keep(request, "slack", "slack", body, response.status_code, verified=answer == "ok", why=why)
        return response

    async def auth_test(self, request: Request) -> Response:
        """Respond as `auth.test` does: the owner of the token.

        Source: https://docs.slack.dev/reference/methods/auth.test
        """
        if not self._knows_token(request):
            return JSONResponse({"ok": False, "error": "invalid_auth"})
        return JSONResponse(
            {"ok": True, "team": "Sandbox", "user": "rally-bridge", "team_id": "T000", "user_id": "U000"}
        )

    def _knows_token(self, request: Request) -> bool:
        offered = request.headers.get("authorization", "").encode()
        return bool(self._slack_token) and hmac.compare_digest(offered, f"Bearer {self._slack_token}".encode())

    async def callback(self, request: Request) -> Response:
        """Verify a callback as in Standard Webhooks: respond 204 if it is genuine, else 401."""
        name = request.path_params["name"]
        body = await _text_of(request)
        why = fault_of_signature(dict(request.headers), body, self.secrets, self.now())
        answer = PlainTextResponse("the signature does not verify", 401) if why else Response(status_code=204)
        response = await self._planned(name) or answer
        self._keep(request, "callback", name, body, response.status_code, verified=why is None, why=why)
        return response

    @staticmethod
    def _slack_verdict(body: str) -> tuple[str, str | None]:
        payload = _json_in(body)
        if not isinstance(payload, dict):
            return "invalid_payload", "not an object in JSON"
        if "blocks" in payload and (faults := faults_of(payload["blocks"])):
            return "invalid_blocks", "; ".join(faults)
        if not payload.get("text") and not payload.get("blocks"):
            return "no_text", "neither text nor blocks"
        return "ok", None

    async def _planned(self, name: str) -> Response | None:
        if not self.planned[name]:
            return None
        planned = self.planned[name].popleft()
        await asyncio.sleep(planned.delay)
        return Response(planned.body, planned.status, dict(planned.headers))

    def _keep(
        self,
        request: Request,
        kind: Literal["slack", "callback"],
        name: str,
        body: str,
        status: int,
        *,
        verified: bool,
        why: str | None,
    ) -> None:
        self.messages.append(
            Message(
                kind=kind,
                name=name,
                at=self.now(),
                headers=dict(request.headers),
                body=body,
                status=status,
                verified=verified,
                why=why,
            )
        )


def _json_in(text: str) -> Any:
    """Parse JSON; None if it is invalid, too deeply nested, or has too large a number."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


async def _text_of(request: Request) -> str:
    return (await request.body()).decode("utf-8", "replace")


def fault_of_signature(headers: Mapping[str, str], body: str, secrets: Sequence[str], now: float) -> str | None:
    """Return the fault of a callback's signature; None if it verifies with any of the secrets.

    Source: https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
    """
    if not secrets:
        return "the sandbox was given no secret to verify by: SANDBOX_CALLBACK_SECRETS"
    message_id, timestamp = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    if not message_id or not timestamp.isdecimal() or len(timestamp) > LONGEST_TIMESTAMP:
        return "webhook-id or webhook-timestamp is missing"
    if abs(now - int(timestamp)) > TOLERANCE:
        return "the timestamp is too far from now"
    content = f"{message_id}.{timestamp}.{body}".encode()
    offered = headers.get("webhook-signature", "").split(" ")
    for secret in secrets:
        try:
            key = base64.b64decode(secret.removeprefix("whsec_"))
        except binascii.Error:
            continue
        wanted = "v1," + base64.b64encode(hmac.digest(key, content, hashlib.sha256)).decode()
        if any(hmac.compare_digest(wanted.encode(), each.encode()) for each in offered):
            return None
    return "no signature verifies with a known secret"
