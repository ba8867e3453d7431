"""Verdicts: what the response to an attempt means for its delivery."""

from dataclasses import dataclass
from typing import TypeAlias

from bridge.domain.delivery.posted_messages import PostedMessage
from bridge.domain.times import Span


@dataclass(frozen=True, slots=True)
class Accepted:
    """The destination took the message; `posted` is how Slack names it, if it does."""

    posted: PostedMessage | None = None


@dataclass(frozen=True, slots=True)
class Deferred:
    """The attempt failed. The next follows the schedule, but not before `wait` (ms), if the destination asked for it.

    `ambiguous`: the message may have arrived nevertheless. `as_plain_text`: repeat once, as plain text only.
    `outside_thread`: repeat once, as an ordinary message.
    `max_tries`: the largest number of attempts. `whole_lane`: all deliveries of the lane wait until then.
    `refused_token`: Slack refuses the bot's token, which only the operator can replace.
    """

    reason: str
    wait: Span | None = None
    ambiguous: bool = False
    as_plain_text: bool = False
    outside_thread: bool = False
    max_tries: int | None = None
    whole_lane: bool = False
    refused_token: bool = False


@dataclass(frozen=True, slots=True)
class Rejected:
    """The message must not be sent again, because the destination will never accept it.

    With SLACK_AT_MOST_ONCE, this is also the verdict if Slack may have received the message already. `reason` is a
    sentence.
    """

    reason: str


Verdict: TypeAlias = Accepted | Deferred | Rejected
