"""Interactions: clicks on the buttons of our messages. All others are acknowledged, and nothing is done.

Source: https://docs.slack.dev/reference/interaction-payloads/block_actions-payload
"""

import json
from collections.abc import Mapping
from functools import partial
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from bridge.destinations.slack import buttons
from bridge.destinations.slack.response_url import response_url
from bridge.domain.clients import slack_client
from bridge.resources import Resources
from bridge.web.slack.answers import Answer, acknowledge, carry_out
from bridge.web.slack.clicks import Click, send_again, stop_watching
from bridge.web.slack.commands import USER
from bridge.web.slack.verification import Verified, check_sender, not_slacks, read_verified

LIMIT = 512 * 1024
"""The largest body: Slack sends the message along that someone clicked in."""


async def receive(request: Request) -> Response:
    """Receive what someone has clicked in Slack. Only for Slack, which signs it; it needs no API key."""
    resources: Resources = request.app.state.resources
    verified = await read_verified(request, limit=LIMIT)
    if verified is None:
        return Response()
    click = _click_of(verified, _payload(verified), api_url=resources.settings.slack_api_url)
    if click is None:
        return Response()
    answer = await carry_out(resources, verified, slack_client(click.user), partial(_act, resources, click))
    return acknowledge(resources, answer, click.answers)


async def _act(resources: Resources, click: Click) -> Answer:
    match click.action:
        case buttons.STOP:
            return await stop_watching(resources, click)
        case _:
            return await send_again(resources, click)


def _payload(verified: Verified) -> Mapping[str, Any]:
    """Return the payload of a request for our app; raise Refused with 401 if it is none."""
    try:
        payload = json.loads(verified.form.get("payload", ""))
    except (ValueError, RecursionError):
        raise not_slacks("its payload is not JSON") from None
    if not isinstance(payload, dict):
        raise not_slacks("its payload is not an object")
    check_sender(verified, team=_text(payload, "team", "id"), app=_text(payload, "api_app_id"))
    return payload


def _click_of(verified: Verified, payload: Mapping[str, Any], *, api_url: str) -> Click | None:
    """Return the click on a button of ours; None for everything else."""
    user = _text(payload, "user", "id")
    match payload:
        case {"type": "block_actions", "actions": [{"action_id": str(action), "value": str(value)}, *_]}:
            known = action in buttons.ACTIONS and USER.fullmatch(user)
        case _:
            return None
    box = payload.get("container")
    return (
        Click(
            client=verified.client,
            user=user,
            channel=_text(payload, "channel", "id"),
            action=action,
            value=value,
            ephemeral=isinstance(box, dict) and box.get("is_ephemeral") is True,
            answers=response_url(_text(payload, "response_url"), api_url=api_url),
        )
        if known
        else None
    )


def _text(payload: Mapping[str, Any], *path: str) -> str:
    """Return the text at a path; an empty one if there is none."""
    found: Any = payload
    for name in path:
        found = found.get(name) if isinstance(found, dict) else None
    return found if isinstance(found, str) else ""
