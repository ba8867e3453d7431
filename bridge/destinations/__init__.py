"""The ways out: what each kind of destination is sent, and what its answers mean.

To add a kind: add its value to `bridge.domain.deliveries.Destination`; write its module with `render`, `prepare`,
`judge` and `describe`, all pure; follow the type checker to every `match` below and in the store's codec; and let the
front door read it. Nothing else sends: `bridge.destinations.egress` does it for all kinds.
"""

from bridge.destinations import callback, slack
from bridge.destinations.signatures import Signing
from bridge.domain.deliveries import (
    Answer,
    Callback,
    Deferred,
    Destination,
    NoResponse,
    Request,
    SlackWebhook,
    Verdict,
)
from bridge.domain.notifications import Notification
from bridge.domain.times import Moment


def render(notification: Notification, destination: Destination) -> str:
    """Write the body, once and for all attempts."""
    match destination:
        case SlackWebhook():
            return slack.render(notification)
        case Callback():
            return callback.render(notification)


def prepare(
    destination: Destination, body: str, *, notification_id: str, client: str, now: Moment, signing: Signing
) -> Request:
    """Make the request of one attempt; a signature is as of `now`."""
    match destination:
        case SlackWebhook():
            return slack.prepare(destination, body)
        case Callback():
            return callback.prepare(
                destination, body, notification_id=notification_id, client=client, now=now, signing=signing
            )


def judge(destination: Destination, answer: Answer, now: Moment) -> Verdict:
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


def kind(destination: Destination) -> str:
    """Name the kind as the API does."""
    match destination:
        case SlackWebhook():
            return "slack_webhook"
        case Callback():
            return "callback"
