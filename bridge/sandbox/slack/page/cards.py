"""What the inbox page shows of the messages in Slack, for one person."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bridge.sandbox.slack.state.channels import Channel
from bridge.sandbox.slack.state.identity import APP_NAME, BOT_USER
from bridge.sandbox.slack.state.people import PEOPLE, SLACKBOT, Person, initials
from bridge.sandbox.slack.state.posts import Post
from bridge.sandbox.slack.state.uploads import Upload
from bridge.sandbox.slack.state.workspace import Workspace

LONGEST_PARENT = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """A message as it is shown, with its thread or the message that it replies to."""

    post: Post
    channel: Channel | None
    """None for an incoming webhook."""
    author: str
    file: Upload | None
    parent: Post | None
    replies: Sequence["Card"]
    in_thread: bool
    """Whether it is shown below its parent; a broadcast reply is shown in the channel, too."""

    @property
    def id(self) -> str:
        return f"{'reply' if self.in_thread else 'post'}-{_slug(self.post.channel)}-{_slug(self.post.ts)}"

    @property
    def parent_id(self) -> str:
        return "" if self.parent is None else f"post-{_slug(self.parent.channel)}-{_slug(self.parent.ts)}"

    @property
    def parent_text(self) -> str:
        """The beginning of the parent's text."""
        text = "" if self.parent is None else self.parent.text
        return text if len(text) <= LONGEST_PARENT else f"{text[:LONGEST_PARENT]}…"

    @property
    def at(self) -> float:
        return self.post.at

    @property
    def initials(self) -> str:
        return initials(self.author)

    @property
    def is_app(self) -> bool:
        return self.post.author not in PEOPLE

    @property
    def edited(self) -> str:
        """How often it was edited, in words."""
        return "edited once" if self.post.edits == 1 else f"edited {self.post.edits} times"


def cards_of(slack: Workspace, viewer: Person) -> Iterator[Card]:
    """Yield what a person sees in the channels: messages, each with its thread, and broadcast replies."""
    seen = [post for post in slack.posts if post.only_for in {None, viewer.id} and _may_see(slack, post, viewer)]
    replies: dict[tuple[str, str], list[Post]] = {}
    for post in seen:
        if post.thread is not None:
            replies.setdefault((post.channel, post.thread), []).append(post)
    for post in seen:
        if not post.is_reply or post.broadcast or slack.posts.get(post.channel, post.thread) is None:
            yield _card(slack, post, replies.get((post.channel, post.ts), []))


def name_of(slack: Workspace, mentioned: str) -> str | None:
    """Return the name of a mentioned person (`@U…`) or channel (`#C…`), if it is known."""
    found = slack.channels.all().get(mentioned[1:])
    if found is not None and found.name:
        return f"#{found.name}"
    person = PEOPLE.get(mentioned[1:])
    return f"@{person.name}" if person else None


def title_of(channel: Channel) -> str:
    """Return the name of a channel as the page shows it."""
    if channel.person is not None:
        return f"{APP_NAME} (direct message)"
    return f"#{channel.name}" if channel.name else channel.id


def button_fields(card: Card, block: Mapping[str, Any], element: Mapping[str, Any]) -> Mapping[str, str]:
    """Return the fields of the form that a button in a message sends."""
    return {
        "channel": card.post.channel,
        "ts": card.post.ts,
        "block": block["block_id"],
        "action": element["action_id"],
    }


def _card(slack: Workspace, post: Post, replies: Sequence[Post] = (), *, in_thread: bool = False) -> Card:
    return Card(
        post=post,
        channel=slack.channels.all().get(post.channel),
        author=_author(post),
        file=slack.uploads.get(post.file) if post.file else None,
        parent=slack.posts.get(post.channel, post.thread),
        replies=[_card(slack, reply, in_thread=True) for reply in replies],
        in_thread=in_thread,
    )


def _author(post: Post) -> str:
    if post.author == SLACKBOT:
        return "Slackbot"
    person = PEOPLE.get(post.author)
    if person is not None:
        return person.name
    return APP_NAME if post.author == BOT_USER else "rally-bridge"


def _may_see(slack: Workspace, post: Post, viewer: Person) -> bool:
    channel = slack.channels.all().get(post.channel)
    return channel is None or channel.person in {None, viewer.id}


def _slug(text: str) -> str:
    return "".join(character if character.isalnum() else "-" for character in text)
