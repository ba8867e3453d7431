"""Interactions: buttons, shortcuts and the modal. All others are acknowledged, and nothing is done.

Source: https://docs.slack.dev/reference/interaction-payloads
"""

import json
from collections.abc import Mapping
from functools import partial
from typing import Any, TypeAlias

from starlette.requests import Request
from starlette.responses import Response

from bridge.destinations.slack import buttons
from bridge.destinations.slack.response_url import response_url, say
from bridge.destinations.slack.watch_modal import MESSAGE_SHORTCUT, SHORTCUT, WATCH_VIEW
from bridge.domain.clients import slack_client
from bridge.domain.lone_surrogates import without_lone_surrogates
from bridge.resources import Resources
from bridge.web.slack.answers import Answer, acknowledge, carry_out
from bridge.web.slack.clicks import Click, send_again, stop_watching
from bridge.web.slack.commands import USER
from bridge.web.slack.import_ids import import_ids_in
from bridge.web.slack.nested import text_at
from bridge.web.slack.records.clicks import ModalClick, modal_click, open_records, say_in_modal, use_modal
from bridge.web.slack.shortcuts import Shortcut, use_shortcut
from bridge.web.slack.submissions import respond_to_submission, wish_of
from bridge.web.slack.verification import Verified, check_sender, not_slacks, read_verified
from bridge.web.slack.watching import Wish, watch

LIMIT = 512 * 1024
"""The largest body: Slack sends the message along that someone clicked in."""
OUTSIDER = "⚠️ Only people of the Slack workspace that this app belongs to can use it."

Done: TypeAlias = Click | ModalClick | Shortcut | Wish
"""What a person has done."""


async def receive(request: Request) -> Response:
    """Receive what someone has done in Slack. Only for Slack, which signs it; it needs no API key."""
    resources: Resources = request.app.state.resources
    verified = await read_verified(request, limit=LIMIT)
    if verified is None:
        return Response()
    payload = _payload(verified)
    done = _read(verified, payload, api_url=resources.settings.slack_api_url)
    if done is None:
        return Response()
    act = partial(_act, resources, done) if _is_of(verified, payload) else _refuse
    answer = await carry_out(resources, verified, slack_client(done.user), act)
    match done:
        case Wish():
            return respond_to_submission(answer)
        case ModalClick():
            return acknowledge(answer, partial(say_in_modal, resources, done, answer.text))
        case Click() | Shortcut():
            in_place = partial(say, resources.egress, done.answers, answer.text, replace=answer.replace)
            return acknowledge(answer, in_place)


def _is_of(verified: Verified, payload: Mapping[str, Any]) -> bool:
    """Return whether the person is of our Slack workspace. Others may share a channel with it through Slack Connect."""
    return text_at(payload, "user", "team_id") in {"", verified.slack.team}


async def _refuse() -> Answer:
    return Answer(text=OUTSIDER)


async def _act(resources: Resources, done: Done) -> Answer:
    match done:
        case Click(action=buttons.STOP):
            return await stop_watching(resources, done)
        case Click(action=buttons.FAILED_RECORDS):
            return await open_records(resources, done)
        case Click():
            return await send_again(resources, done)
        case ModalClick():
            return await use_modal(resources, done)
        case Shortcut():
            return await use_shortcut(resources, done)
        case Wish():
            return await watch(resources, done)


def _payload(verified: Verified) -> Mapping[str, Any]:
    """Return the payload of a request for our app; raise Refused with 401 if it is none."""
    try:
        payload = json.loads(without_lone_surrogates(verified.form.get("payload", "")))
    except (ValueError, RecursionError):
        raise not_slacks("its payload is not JSON") from None
    if not isinstance(payload, dict):
        raise not_slacks("its payload is not an object")
    check_sender(verified, team=text_at(payload, "team", "id"), app=text_at(payload, "api_app_id"))
    return payload


def _read(verified: Verified, payload: Mapping[str, Any], *, api_url: str) -> Done | None:
    """Return what the person has done; None if it is nothing of ours."""
    user = text_at(payload, "user", "id")
    if not USER.fullmatch(user):
        return None
    match payload:
        case {"type": "block_actions", "actions": [{"action_id": str(action), "value": str(value)}, *_]}:
            return _clicked(verified, user, payload, action, value, api_url=api_url)
        case {"type": "shortcut", "callback_id": callback, "trigger_id": str(trigger)} if callback == SHORTCUT:
            return Shortcut(user=user, trigger=trigger)
        case {
            "type": "message_action",
            "callback_id": callback,
            "trigger_id": str(trigger),
            "message": dict(message),
        } if callback == MESSAGE_SHORTCUT:
            return Shortcut(
                user=user,
                trigger=trigger,
                import_ids=import_ids_in(message),
                channel=text_at(payload, "channel", "id"),
                answers=response_url(text_at(payload, "response_url"), api_url=api_url),
            )
        case {"type": "view_submission", "view": {"callback_id": callback}} if callback == WATCH_VIEW:
            return wish_of(verified.client, user, payload, api_url=api_url)
        case _:
            return None


def _clicked(
    verified: Verified, user: str, payload: Mapping[str, Any], action: str, value: str, *, api_url: str
) -> Click | ModalClick | None:
    """Return a click in a modal or in a message; None if the button is not one of ours."""
    if isinstance(payload.get("view"), dict):
        return modal_click(verified.client, user, payload, action, value)
    if action not in buttons.ACTIONS:
        return None
    container = payload.get("container")
    return Click(
        client=verified.client,
        user=user,
        channel=text_at(payload, "channel", "id"),
        action=action,
        value=value,
        trigger=text_at(payload, "trigger_id"),
        ephemeral=isinstance(container, dict) and container.get("is_ephemeral") is True,
        answers=response_url(text_at(payload, "response_url"), api_url=api_url),
    )
