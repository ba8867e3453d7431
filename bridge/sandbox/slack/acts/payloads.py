"""The requests that Slack sends when a person does something.

Sources: https://docs.slack.dev/interactivity/implementing-slash-commands and
https://docs.slack.dev/reference/interaction-payloads
"""

from collections.abc import Mapping
from html import escape
from typing import Any

from bridge.sandbox.slack.api.message_methods import message_json
from bridge.sandbox.slack.api.modal_methods import view_json
from bridge.sandbox.slack.state.channels import Channel
from bridge.sandbox.slack.state.identity import COMMAND, TEAM_DOMAIN, Identity
from bridge.sandbox.slack.state.modals import Modal
from bridge.sandbox.slack.state.people import Person
from bridge.sandbox.slack.state.posts import Post

Payload = dict[str, Any]
WATCH, WATCH_IN_MESSAGE = "watch_import", "watch_import_in_message"
"""The shortcuts of the app's manifest."""


def command_form(
    identity: Identity, person: Person, channel: Channel, text: str, *, trigger: str, url: str
) -> Mapping[str, str]:
    """Return the form of a command; what is typed is escaped."""
    return {
        "token": "deprecated",
        "team_id": identity.team,
        "team_domain": TEAM_DOMAIN,
        "channel_id": channel.id,
        "channel_name": channel_name(channel),
        "user_id": person.id,
        "user_name": person.handle,
        "command": COMMAND,
        "text": escape(text, quote=False),
        "api_app_id": identity.app,
        "is_enterprise_install": "false",
        "response_url": url,
        "trigger_id": trigger,
    }


def shortcut(identity: Identity, person: Person, *, trigger: str, at: float) -> Payload:
    return {**_common(identity, person, "shortcut", trigger), "callback_id": WATCH, "action_ts": f"{at:.6f}"}


def message_shortcut(
    identity: Identity, person: Person, channel: Channel, post: Post, *, trigger: str, url: str, at: float
) -> Payload:
    return {
        **_common(identity, person, "message_action", trigger),
        "callback_id": WATCH_IN_MESSAGE,
        "channel": {"id": channel.id, "name": channel_name(channel)},
        "message": message_json(post),
        "message_ts": post.ts,
        "response_url": url,
        "action_ts": f"{at:.6f}",
    }


def button_in_message(
    identity: Identity, person: Person, channel: Channel, post: Post, action: Payload, *, trigger: str, url: str
) -> Payload:
    only_for_one = post.only_for is not None
    return {
        **_common(identity, person, "block_actions", trigger),
        "container": {
            "type": "message",
            "message_ts": post.ts,
            "channel_id": channel.id,
            "is_ephemeral": only_for_one,
            **({} if post.thread is None else {"thread_ts": post.thread}),
        },
        "channel": {"id": channel.id, "name": channel_name(channel)},
        **({} if only_for_one else {"message": message_json(post)}),
        "state": {"values": {}},
        "response_url": url,
        "actions": [action],
    }


def button_in_modal(identity: Identity, person: Person, modal: Modal, action: Payload, *, trigger: str) -> Payload:
    return {
        **_common(identity, person, "block_actions", trigger),
        "container": {"type": "view", "view_id": modal.id},
        "view": view_json(modal, identity),
        "actions": [action],
    }


def submission(
    identity: Identity, person: Person, modal: Modal, *, trigger: str, response_urls: list[Payload]
) -> Payload:
    return {
        **_common(identity, person, "view_submission", trigger),
        "view": view_json(modal, identity),
        "response_urls": response_urls,
    }


def action_of(block_id: str, element: Mapping[str, Any], at: float) -> Payload:
    """Return the action of a button that was pressed."""
    known = ("type", "action_id", "text", "value", "style", "url")
    pressed = {name: element[name] for name in known if name in element}
    return {"block_id": block_id, "action_ts": f"{at:.6f}", **pressed}


def channel_name(channel: Channel) -> str:
    return "directmessage" if channel.person else channel.name or channel.id.lower()


def _common(identity: Identity, person: Person, kind: str, trigger: str) -> Payload:
    return {
        "type": kind,
        "token": "deprecated",
        "team": {"id": identity.team, "domain": TEAM_DOMAIN},
        "enterprise": None,
        "is_enterprise_install": False,
        "user": {"id": person.id, "username": person.handle, "name": person.handle, "team_id": identity.team},
        "api_app_id": identity.app,
        "trigger_id": trigger,
    }
