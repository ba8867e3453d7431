"""Destinations: for each kind, the requests that are sent and what the responses mean.

To add a kind: add its class to `bridge.domain.destinations.Destination`; write a module with the pure functions
`prepare` and `judge`; follow the type checker to every `match` below, in `descriptions.py` and in the store's codec;
and add its schema to the API. All kinds are sent by `bridge.destinations.egress.client`.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from bridge.destinations import callback
from bridge.destinations.callback_signing import Signing
from bridge.destinations.egress.urls import is_slack_url
from bridge.destinations.reasons import full_reason
from bridge.destinations.slack import bot as slack_bot
from bridge.destinations.slack import bot_verdicts
from bridge.destinations.slack import digest as slack_digest
from bridge.destinations.slack import message as slack_message
from bridge.destinations.slack import webhook as slack_webhook
from bridge.destinations.slack.bot import SlackBot
from bridge.domain.delivery.destination_requests import Failure, NoResponse, Request, SendResult
from bridge.domain.delivery.posted_messages import Thread
from bridge.domain.delivery.verdicts import Deferred, Rejected, Verdict
from bridge.domain.destinations import (
    Callback,
    Destination,
    NamedDestination,
    ResolvedDestination,
    SlackChannel,
    SlackWebhook,
)
from bridge.domain.digests import Digest
from bridge.domain.notices.notices import Notice
from bridge.domain.notifications import Notification
from bridge.domain.secret import Secret
from bridge.domain.times import Moment

NO_URL = Secret("")
MAYBE_SENT = frozenset({Failure.TIMEOUT, Failure.BROKEN})


@dataclass(frozen=True, slots=True, kw_only=True)
class Sender:
    """The sender's configuration: signing secrets, the operator's Slack bot, and whether Slack may get duplicates."""

    signing: Signing
    slack_bot: SlackBot | None = None
    slack_at_most_once: bool = False


def render(message: Notification | Notice | Digest, destination: Destination, *, show_emails: bool = False) -> str:
    """Return the message body, the same for all attempts.

    For a named destination it holds a body for Slack and one for callbacks: the name may be configured otherwise later.
    """
    match destination:
        case SlackWebhook() | SlackChannel():
            return _render_for_slack(message, show_emails=show_emails)
        case Callback():
            return callback.render(message)
        case NamedDestination():
            forms: tuple[ResolvedDestination, ...] = (SlackWebhook(url=NO_URL), Callback(url=NO_URL))
            bodies = {kind(form): render(message, form, show_emails=show_emails) for form in forms}
            return json.dumps(bodies, ensure_ascii=False)


def _render_for_slack(message: Notification | Notice | Digest, *, show_emails: bool) -> str:
    match message:
        case Notification():
            return slack_message.render(message, show_emails=show_emails)
        case Notice():
            return slack_message.render_notice(message)
        case Digest():
            return slack_digest.render(message)


def resolve(
    destination: Destination, body: str, named: Mapping[str, ResolvedDestination], sender: Sender
) -> tuple[ResolvedDestination, str] | NoResponse:
    """Return the current destination of a delivery and the body for it; NoResponse if it is not configured."""
    match destination:
        case NamedDestination(name=name) if name not in named:
            reason = f"no destination is configured under the name {name!r}"
            return NoResponse(failure=Failure.NOT_CONFIGURED, reason=reason)
        case NamedDestination(name=name):
            form = "callback" if isinstance(named[name], Callback) else "slack_webhook"
            return resolve(named[name], json.loads(body)[form], named, sender)
        case SlackChannel() if sender.slack_bot is None:
            return NoResponse(failure=Failure.NOT_CONFIGURED, reason="SLACK_BOT_TOKEN is not set")
        case _:
            return destination, body


def prepare(
    destination: ResolvedDestination,
    body: str,
    *,
    notification_id: str,
    client: str,
    now: Moment,
    sender: Sender,
    plain: bool = False,
    thread: Thread | None = None,
    traceparent: str | None = None,
) -> Request:
    """Return the request of one attempt, signed as of `now`.

    `plain` sends only the text of a Slack message; the bot posts in the `thread`, if there is one.
    """
    match destination:
        case SlackWebhook():
            return slack_webhook.prepare(destination, _payload(body, plain=plain))
        case SlackChannel():
            assert sender.slack_bot is not None  # noqa: S101 - `resolve` gives no channel without a bot
            return slack_bot.prepare(destination, _payload(body, plain=plain), sender.slack_bot, thread=thread)
        case Callback():
            return callback.prepare(
                destination,
                body,
                notification_id=notification_id,
                client=client,
                now=now,
                signing=sender.signing,
                traceparent=traceparent,
            )


def _payload(body: str, *, plain: bool) -> str:
    return slack_message.without_blocks(body) if plain else body


def judge(
    destination: ResolvedDestination,
    answer: SendResult,
    now: Moment,
    *,
    slack_at_most_once: bool = False,
    in_thread: bool = False,
) -> Verdict:
    """Return the verdict on an attempt.

    Without a response it is never final, because receivers and allow-lists get fixed; except that, with
    `slack_at_most_once`, a message that Slack may have received is not repeated.
    """
    verdict = _judge(destination, answer, now, in_thread=in_thread)
    once = slack_at_most_once and not isinstance(destination, Callback)
    if once and isinstance(verdict, Deferred) and verdict.ambiguous:
        return Rejected(f"{verdict.reason}; perhaps delivered, and SLACK_AT_MOST_ONCE is set")
    return verdict


def _judge(destination: ResolvedDestination, answer: SendResult, now: Moment, *, in_thread: bool) -> Verdict:
    if isinstance(answer, NoResponse):
        return Deferred(full_reason(answer), ambiguous=answer.failure in MAYBE_SENT)
    # A callback succeeds by its status alone; Slack reports success in the body.
    if answer.status // 100 == 2 and not answer.whole and not isinstance(destination, Callback):  # noqa: PLR2004 - 2xx
        return Deferred(f"HTTP {answer.status}, but the answer did not end", ambiguous=True)
    match destination:
        case SlackWebhook(url=url):
            return slack_webhook.judge(answer, now, at_slack=is_slack_url(url.reveal()))
        case SlackChannel():
            return bot_verdicts.judge(answer, now, in_thread=in_thread)
        case Callback():
            return callback.judge(answer, now)


def kind(destination: Destination) -> Literal["slack_webhook", "slack", "callback", "named"]:
    """Return the kind's name in the API."""
    match destination:
        case SlackWebhook():
            return "slack_webhook"
        case SlackChannel():
            return "slack"
        case Callback():
            return "callback"
        case NamedDestination():
            return "named"
