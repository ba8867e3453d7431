"""The ways out: what each kind of destination is sent, and what its answers mean.

To add a kind: add its value to `bridge.domain.deliveries.Destination`; write its module with `render`, `prepare`,
`judge` and `describe`, all pure; follow the type checker to every `match` below and in the store's codec; and let the
front door read it. Nothing else sends: `bridge.destinations.egress` does it for all kinds.
"""

import json
from collections.abc import Mapping

from bridge.destinations import callback, slack
from bridge.destinations.signatures import Signing
from bridge.domain.deliveries import (
    Address,
    Answer,
    Callback,
    Deferred,
    Destination,
    Named,
    NoResponse,
    Request,
    SlackWebhook,
    Verdict,
)
from bridge.domain.notices import Notice
from bridge.domain.notifications import Notification
from bridge.domain.secret import Secret
from bridge.domain.times import Moment

NOWHERE = Secret("")


def render(said: Notification | Notice, destination: Destination) -> str:
    """Write the body, once and for all attempts; for a named one in every form, since the name may change its kind."""
    match destination:
        case SlackWebhook():
            return slack.render(said) if isinstance(said, Notification) else slack.render_notice(said)
        case Callback():
            return callback.render(said)
        case Named():
            forms: tuple[Address, ...] = (SlackWebhook(url=NOWHERE), Callback(url=NOWHERE))
            return json.dumps({kind(form): render(said, form) for form in forms}, ensure_ascii=False)


def resolve(destination: Destination, body: str, named: Mapping[str, Address]) -> tuple[Address, str] | None:
    """Look up where a delivery goes now, and its body in that form; None when its name is not configured."""
    if not isinstance(destination, Named):
        return destination, body
    address = named.get(destination.name)
    return None if address is None else (address, json.loads(body)[kind(address)])


def prepare(
    destination: Address, body: str, *, notification_id: str, client: str, now: Moment, signing: Signing
) -> Request:
    """Make the request of one attempt; a signature is as of `now`."""
    match destination:
        case SlackWebhook():
            return slack.prepare(destination, body)
        case Callback():
            return callback.prepare(
                destination, body, notification_id=notification_id, client=client, now=now, signing=signing
            )


def judge(destination: Address, answer: Answer, now: Moment) -> Verdict:
    """Say what came of an attempt; without an answer it is never final: receivers and allow-lists get put right."""
    if isinstance(answer, NoResponse):
        return Deferred(answer.reason)
    match destination:
        case SlackWebhook():
            return slack.judge(answer, now)
        case Callback():
            return callback.judge(answer, now)


def describe(destination: Destination) -> str:
    """Show a destination to people and in logs, without its secret."""
    match destination:
        case SlackWebhook():
            return slack.describe(destination)
        case Callback():
            return callback.describe(destination)
        case Named(name=name):
            return name


def kind(destination: Destination) -> str:
    """Name the kind as the API does."""
    match destination:
        case SlackWebhook():
            return "slack_webhook"
        case Callback():
            return "callback"
        case Named():
            return "named"
