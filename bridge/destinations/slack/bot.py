"""Requests to Slack's API with the token of the operator's bot, such as the post of a message to a channel.

`bot_verdicts` decides what the answers mean.

Source: https://docs.slack.dev/reference/methods/chat.postMessage
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from bridge.domain.delivery.destination_requests import Request
from bridge.domain.delivery.posted_messages import Thread
from bridge.domain.destinations import SlackChannel
from bridge.domain.secret import Secret
from bridge.http.user_agent import USER_AGENT


@dataclass(frozen=True, slots=True, kw_only=True)
class SlackBot:
    """The operator's bot: its token (`xoxb-…`), and the base URL of Slack's API without a trailing slash."""

    token: Secret
    api_url: str


def prepare(destination: SlackChannel, body: str, bot: SlackBot, *, thread: Thread | None = None) -> Request:
    """Return the request that posts a message to a channel, or as a reply in a thread of it."""
    payload = {"channel": destination.channel, **json.loads(body)}
    if thread is not None:
        payload |= {"thread_ts": thread.ts, "reply_broadcast": thread.broadcast}
    return prepare_call("chat.postMessage", payload, bot)


def prepare_check(bot: SlackBot) -> Request:
    """Return a request that checks the token without posting; `bot_verdicts.judge` understands its response as well.

    Source: https://docs.slack.dev/reference/methods/auth.test
    """
    return prepare_call("auth.test", {}, bot)


def prepare_call(method: str, payload: Mapping[str, Any], bot: SlackBot) -> Request:
    """Return the request of a method of Slack's API."""
    text = json.dumps(payload, ensure_ascii=False, separators=(",", ":"))
    return _prepare(method, "application/json; charset=utf-8", text, bot)


def prepare_form(method: str, fields: Mapping[str, str], bot: SlackBot) -> Request:
    """Return the request of a method that takes a form in place of JSON."""
    return _prepare(method, "application/x-www-form-urlencoded", urlencode(fields), bot)


def _prepare(method: str, media_type: str, body: str, bot: SlackBot) -> Request:
    headers = {
        "content-type": media_type,
        "user-agent": USER_AGENT,
        "authorization": f"Bearer {bot.token.reveal()}",
    }
    return Request(url=Secret(f"{bot.api_url}/{method}"), headers=headers, body=body.encode())
