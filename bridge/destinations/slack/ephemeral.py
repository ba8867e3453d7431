"""Ephemeral messages: posted by the bot in a channel, and shown to one person there.

Source: https://docs.slack.dev/reference/methods/chat.postEphemeral
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from bridge.destinations import MAYBE_SENT
from bridge.destinations.reasons import full_reason
from bridge.destinations.slack.bot import SlackBot, prepare_call
from bridge.destinations.slack.bot_verdicts import document_of, judge
from bridge.domain.delivery.destination_requests import NoResponse, Request, SendResult
from bridge.domain.delivery.verdicts import Accepted, Deferred
from bridge.domain.times import Moment

NOT_INVITED = frozenset({"channel_not_found", "not_in_channel"})
"""Errors after which the app must be invited to the channel; a private channel is not found before."""

NOT_MEMBER = "user_not_in_channel"


@dataclass(frozen=True, slots=True)
class Shown:
    """Slack has taken the message."""


@dataclass(frozen=True, slots=True)
class Unclear:
    """Slack may have taken the message."""


@dataclass(frozen=True, slots=True)
class NotShown:
    """Slack has refused the message, or it was not sent.

    `not_invited`: the app is not in the channel. `not_member`: the person is not.
    """

    reason: str
    not_invited: bool = False
    not_member: bool = False


Showing: TypeAlias = Shown | Unclear | NotShown


def prepare(channel: str, user: str, payload: Mapping[str, Any], bot: SlackBot) -> Request:
    return prepare_call("chat.postEphemeral", {"channel": channel, "user": user, **payload}, bot)


def judge_showing(answer: SendResult, now: Moment) -> Showing:
    """Return whether Slack has taken the message; the reason repeats nothing of the answer but Slack's error."""
    if isinstance(answer, NoResponse):
        return Unclear() if answer.failure in MAYBE_SENT else NotShown(full_reason(answer))
    match judge(answer, now):
        case Accepted():
            return Shown()
        case Deferred(ambiguous=True):
            return Unclear()
        case refused:
            error = document_of(answer).get("error")
            return NotShown(refused.reason, not_invited=error in NOT_INVITED, not_member=error == NOT_MEMBER)
