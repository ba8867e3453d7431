"""The ways out: what each kind of destination is sent, and what its answers mean.

To add a kind: add its value to `bridge.domain.deliveries.Destination`; write its module with `prepare`, `judge` and
`describe`, all pure; follow the type checker to every `match` below and in the store's codec; and let the front door
read it. Nothing else sends: `bridge.destinations.egress` does it for all kinds.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from bridge.destinations import callback, slack, slack_bot, slack_webhook
from bridge.destinations.reasons import full_reason
from bridge.destinations.rules import is_slack_url
from bridge.destinations.signatures import Signing
from bridge.destinations.slack_bot import SlackBot
from bridge.domain.deliveries import (
    Callback,
    Deferred,
    Destination,
    Failure,
    NamedDestination,
    NoResponse,
    Rejected,
    Request,
    ResolvedDestination,
    SendResult,
    SlackChannel,
    SlackWebhook,
    Verdict,
)
from bridge.domain.notices import Notice
from bridge.domain.notifications import Notification
from bridge.domain.secret import Secret
from bridge.domain.times import Moment

NO_URL = Secret("")
MAYBE_SENT = frozenset({Failure.TIMEOUT, Failure.BROKEN})


@dataclass(frozen=True, slots=True, kw_only=True)
class Sender:
    """In whose name we send: the signing secrets, the operator's Slack bot, and whether Slack may hear twice."""

    signing: Signing
    slack_bot: SlackBot | None = None
    slack_at_most_once: bool = False


def render(said: Notification | Notice, destination: Destination, *, show_emails: bool = False) -> str:
    """Write the body, once and for all attempts; for a named one in every form, since the name may change its kind."""
    match destination:
        case SlackWebhook() | SlackChannel():
            if isinstance(said, Notice):
                return slack.render_notice(said)
            return slack.render(said, show_emails=show_emails)
        case Callback():
            return callback.render(said)
        case NamedDestination():
            forms: tuple[ResolvedDestination, ...] = (SlackWebhook(url=NO_URL), Callback(url=NO_URL))
            bodies = {kind(form): render(said, form, show_emails=show_emails) for form in forms}
            return json.dumps(bodies, ensure_ascii=False)


def resolve(
    destination: Destination, body: str, named: Mapping[str, ResolvedDestination], sender: Sender
) -> tuple[ResolvedDestination, str] | NoResponse:
    """Look up where a delivery goes now, and its body in that form; or say what is not configured (any more)."""
    match destination:
        case NamedDestination(name=name) if name not in named:
            reason = f"no destination is configured under the name {name!r}"
            return NoResponse(failure=Failure.NOT_CONFIGURED, reason=reason)
        case NamedDestination(name=name):
            return named[name], json.loads(body)[kind(named[name])]
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
) -> Request:
    """Make the request of one attempt, signed as of `now`; `plain`: of a Slack message its text alone."""
    match destination:
        case SlackWebhook():
            return slack_webhook.prepare(destination, slack.without_blocks(body) if plain else body)
        case SlackChannel():
            assert sender.slack_bot is not None  # noqa: S101 - `resolve` gives no channel without a bot
            return slack_bot.prepare(destination, slack.without_blocks(body) if plain else body, sender.slack_bot)
        case Callback():
            return callback.prepare(
                destination, body, notification_id=notification_id, client=client, now=now, signing=sender.signing
            )


def judge(
    destination: ResolvedDestination, answer: SendResult, now: Moment, *, slack_at_most_once: bool = False
) -> Verdict:
    """Say what came of an attempt; without an answer it is never final: receivers and allow-lists get put right.

    Only where Slack must not hear twice, what it may have heard is given up.
    """
    verdict = _judge(destination, answer, now)
    once = slack_at_most_once and not isinstance(destination, Callback)
    if once and isinstance(verdict, Deferred) and verdict.ambiguous:
        return Rejected(f"{verdict.reason}; perhaps delivered, and SLACK_AT_MOST_ONCE is set")
    return verdict


def _judge(destination: ResolvedDestination, answer: SendResult, now: Moment) -> Verdict:
    if isinstance(answer, NoResponse):
        return Deferred(full_reason(answer), ambiguous=answer.failure in MAYBE_SENT)
    # A callback's status tells all; Slack's success is a word in the body.
    if answer.status // 100 == 2 and not answer.whole and not isinstance(destination, Callback):  # noqa: PLR2004 - 2xx
        return Deferred(f"HTTP {answer.status}, but the answer did not end", ambiguous=True)
    match destination:
        case SlackWebhook(url=url):
            return slack_webhook.judge(answer, now, at_slack=is_slack_url(url.reveal()))
        case SlackChannel():
            return slack_bot.judge(answer, now)
        case Callback():
            return callback.judge(answer, now)


def describe(destination: Destination) -> str:
    """Show a destination to people and in logs, without its secret."""
    match destination:
        case SlackWebhook():
            return slack_webhook.describe(destination)
        case SlackChannel():
            return slack_bot.describe(destination)
        case Callback():
            return callback.describe(destination)
        case NamedDestination(name=name):
            return name


def kind(destination: Destination) -> Literal["slack_webhook", "slack", "callback", "named"]:
    """Name the kind as the API does."""
    match destination:
        case SlackWebhook():
            return "slack_webhook"
        case SlackChannel():
            return "slack"
        case Callback():
            return "callback"
        case NamedDestination():
            return "named"
