"""The receivers: respond to incoming webhooks and callbacks as Slack and a callback's receiver would."""

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from bridge.sandbox.inbox import Inbox, json_in
from bridge.sandbox.slack.api.calls import SlackApi
from bridge.sandbox.slack.api.message_methods import content_of
from bridge.sandbox.slack.api.refusal import Refused
from bridge.sandbox.slack.state.workspace import Workspace
from bridge.sandbox.urls import host_of, is_webhook, slack_method, slack_response, slack_upload, url_of
from bridge.sandbox.verification import fault_of_signature

WEBHOOK = "webhook"
"""The author of the messages of incoming webhooks."""


class Receivers:
    """The endpoints that receive messages and keep them in the inbox."""

    def __init__(self, inbox: Inbox, slack: Workspace, api: SlackApi) -> None:
        self._inbox = inbox
        self._slack = slack
        self._api = api

    async def outbound(self, request: Request) -> Response:
        """Respond as the host would to which a diverted message is addressed."""
        if (method := slack_method(request)) is not None:
            return await self._api.call(request, method)
        if (path := slack_response(request)) is not None:
            return await self._api.respond(request, path)
        if (path := slack_upload(request)) is not None:
            return await self._api.take_upload(request, path)
        if is_webhook(request):
            return await self.slack_webhook(request)
        return await self._receive_callback(request, host_of(request), any_secret=True)

    async def slack_method(self, request: Request) -> Response:
        """Respond to a method that is called at the sandbox's own address."""
        return await self._api.call(request, request.path_params["method"])

    async def slack_webhook(self, request: Request) -> Response:
        """Respond as an incoming webhook does: `ok`, or an error code in plain text.

        Source: https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks
        """
        body = (await request.body()).decode("utf-8", "replace")
        planned = await self._inbox.planned_response("slack")
        why = self._post(request, body, posted=planned is None)
        response = planned or PlainTextResponse("ok" if why is None else why.error, 200 if why is None else 400)
        reason = None if why is None else why.reason
        posted, status = why is None and planned is None, response.status_code
        self._inbox.keep(request, "slack", "slack", body, status, verified=why is None, why=reason, posted=posted)
        return response

    def _post(self, request: Request, body: str, *, posted: bool) -> Refused | None:
        """Post the message of a webhook, unless its answer is planned; return why Slack refuses it."""
        payload = json_in(body)
        if not isinstance(payload, dict):
            return Refused("invalid_payload", ["not an object in JSON"])
        try:
            fields = content_of(payload)
        except Refused as refused:
            return refused
        if posted:
            self._slack.post(url_of(request), WEBHOOK, **fields)
        return None

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
