"""The receivers: respond to Slack messages and callbacks as Slack and a callback's receiver would."""

import hmac
import json

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response

from bridge.sandbox.blocks import faults_of
from bridge.sandbox.inbox import Inbox, json_in
from bridge.sandbox.urls import host_of, is_webhook, slack_method
from bridge.sandbox.verification import fault_of_signature


class Receivers:
    """The endpoints that receive messages and keep them in the inbox."""

    def __init__(self, inbox: Inbox, *, slack_token: str) -> None:
        self._inbox = inbox
        self._slack_token = slack_token

    async def outbound(self, request: Request) -> Response:
        """Respond as the host would that a diverted message is addressed to."""
        match slack_method(request):
            case "chat.postMessage":
                return await self.post_message(request)
            case "auth.test":
                return await self.auth_test(request)
            case str():
                return JSONResponse({"ok": False, "error": "unknown_method"})
        if is_webhook(request):
            return await self.slack_webhook(request)
        return await self._receive_callback(request, host_of(request), any_secret=True)

    async def slack_webhook(self, request: Request) -> Response:
        """Respond as an incoming webhook does: `ok`, or an error code in plain text.

        Source: https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks
        """
        body = await _text_of(request)
        answer, why = _slack_verdict(body)
        response = await self._inbox.planned_response("slack") or PlainTextResponse(
            answer, 200 if answer == "ok" else 400
        )
        self._inbox.keep(request, "slack", "slack", body, response.status_code, verified=answer == "ok", why=why)
        return response

    async def post_message(self, request: Request) -> Response:
        """Respond as `chat.postMessage` does: always 200, with success in `ok`.

        Source: https://docs.slack.dev/reference/methods/chat.postMessage
        """
        body = await _text_of(request)
        known = self._knows_token(request)
        answer, why = _slack_verdict(body) if known else ("invalid_auth", "the token is not known")
        parsed = json.loads(body) if answer == "ok" else {}
        if answer == "ok" and not parsed.get("channel"):
            answer, why = "channel_not_found", "no channel is named"
        good = {"ok": True, "channel": parsed.get("channel"), "ts": f"{self._inbox.now():.6f}", "message": parsed}
        response = await self._inbox.planned_response("slack") or JSONResponse(
            good if answer == "ok" else {"ok": False, "error": answer}
        )
        self._inbox.keep(request, "slack", "slack", body, response.status_code, verified=answer == "ok", why=why)
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

    async def callback(self, request: Request) -> Response:
        """Verify a callback as in Standard Webhooks: respond 204 if it is genuine, else 401."""
        return await self._receive_callback(request, request.path_params["name"], any_secret=False)

    async def _receive_callback(self, request: Request, name: str, *, any_secret: bool) -> Response:
        """Keep a callback. With `any_secret` it is accepted even if the sandbox can't verify it.

        A destination may have a secret of its own, which its receiver knows, but the sandbox does not.
        """
        raw = await request.body()
        body = raw.decode("utf-8", "replace")
        why = fault_of_signature(request.headers.items(), raw, self._inbox.secrets, self._inbox.now())
        refused = why is not None and not any_secret
        answer = PlainTextResponse("the signature does not verify", 401) if refused else Response(status_code=204)
        response = await self._inbox.planned_response(name) or answer
        self._inbox.keep(request, "callback", name, body, response.status_code, verified=why is None, why=why)
        return response

    def _knows_token(self, request: Request) -> bool:
        offered = request.headers.get("authorization", "").encode()
        return bool(self._slack_token) and hmac.compare_digest(offered, f"Bearer {self._slack_token}".encode())


def _slack_verdict(body: str) -> tuple[str, str | None]:
    payload = json_in(body)
    if not isinstance(payload, dict):
        return "invalid_payload", "not an object in JSON"
    if "blocks" in payload and (faults := faults_of(payload["blocks"])):
        return "invalid_blocks", "; ".join(faults)
    if not payload.get("text") and not payload.get("blocks"):
        return "no_text", "neither text nor blocks"
    return "ok", None


async def _text_of(request: Request) -> str:
    return (await request.body()).decode("utf-8", "replace")
