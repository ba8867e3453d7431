"""The destinations of a watch, as the API takes them."""

from collections.abc import Mapping, Sequence
from typing import Literal, NotRequired, TypeAlias, TypedDict

from bridge.client.values.literals import Outcome

On: TypeAlias = Literal["problems", "always"] | Sequence[Outcome]
"""The outcomes that a destination receives: all but `completed`, all, or those listed."""


EndPlace: TypeAlias = Literal["broadcast", "reply", "message"]
"""Where the end of an import is told that has a living message."""


class Mention(TypedDict):
    """The ids of Slack users that messages mention, and the outcomes for which they do; `problems` if left out."""

    users: Sequence[str]
    on: NotRequired[On]


class Slack(TypedDict):
    """A channel to which the bridge's Slack bot posts.

    With `live`, an import that runs for more than a minute has a message there that is edited meanwhile. `end` says
    where its end is told then: `broadcast`, the default, as a reply to it which the channel sees as well.
    """

    type: Literal["slack"]
    channel: str
    on: NotRequired[On]
    mention: NotRequired[Mention]
    live: NotRequired[bool]
    end: NotRequired[EndPlace]


class SlackWebhook(TypedDict):
    """A Slack incoming webhook."""

    type: Literal["slack_webhook"]
    url: str
    on: NotRequired[On]
    mention: NotRequired[Mention]


class Callback(TypedDict):
    """A URL of yours that receives signed POST requests: by `secret` (`whsec_…`), else by the secret of your client."""

    type: Literal["callback"]
    url: str
    secret: NotRequired[str]
    headers: NotRequired[Mapping[str, str]]
    on: NotRequired[On]


class Named(TypedDict):
    """A destination that the operator has configured by name."""

    type: Literal["named"]
    name: str
    on: NotRequired[On]


Destination: TypeAlias = Slack | SlackWebhook | Callback | Named
