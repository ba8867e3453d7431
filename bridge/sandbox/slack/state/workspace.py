"""The workspace: all that the simulated Slack remembers."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from bridge.sandbox.slack.state.changes import Changes
from bridge.sandbox.slack.state.channels import Channels
from bridge.sandbox.slack.state.faults import SlackFaults
from bridge.sandbox.slack.state.identity import BOT_USER, Identity
from bridge.sandbox.slack.state.modals import Modals
from bridge.sandbox.slack.state.people import SLACKBOT
from bridge.sandbox.slack.state.posts import Post, Posts
from bridge.sandbox.slack.state.response_urls import ResponseUrls
from bridge.sandbox.slack.state.triggers import Triggers
from bridge.sandbox.slack.state.uploads import Uploads

CALLS_KEPT = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A call of the API and its result: `ok`, an error code, or a status of HTTP."""

    at: float
    method: str
    channel: str
    result: str
    reason: str = ""


class Workspace:
    """The state of the simulated Slack."""

    def __init__(self, identity: Identity, now: Callable[[], float]) -> None:
        self.identity = identity
        self.now = now
        self.channels = Channels()
        self.posts = Posts(now)
        self.modals = Modals()
        self.uploads = Uploads()
        self.triggers = Triggers(now)
        self.response_urls = ResponseUrls(identity.team, now)
        self.faults = SlackFaults()
        self.calls: deque[Call] = deque(maxlen=CALLS_KEPT)
        self.changes = Changes()

    def post(self, channel: str, author: str = BOT_USER, **fields: Any) -> Post:
        self.changes.note()
        return self.posts.add(channel, author, **fields)

    def say(self, channel: str, user: str, text: str) -> None:
        """Say something as Slack itself, which only one person sees."""
        self.post(channel, SLACKBOT, text=text, only_for=user)

    def clear(self) -> None:
        parts = (self.channels, self.posts, self.modals, self.uploads, self.triggers, self.response_urls)
        for part in (*parts, self.faults, self.calls):
            part.clear()
        self.changes.note()
