"""The messages on the inbox page, by channel: those in Slack, the callbacks, and those that Slack has refused."""

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from bridge.sandbox.inbox import Inbox, Message
from bridge.sandbox.slack.page.cards import Card, cards_of, title_of
from bridge.sandbox.slack.page.place import Place
from bridge.sandbox.slack.state.people import Person
from bridge.sandbox.slack.state.workspace import Workspace

CALLBACKS, REFUSED = "callbacks", "refused"
"""The tabs besides those of the channels."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InboxCard:
    """A callback, or a message that Slack does not show."""

    message: Message
    document: Any
    type: str
    shown: str
    """The body, indented if it is JSON."""

    @property
    def id(self) -> str:
        return f"message-{self.message.number}"

    @property
    def at(self) -> float:
        return self.message.at

    @property
    def tab(self) -> str:
        return CALLBACKS if self.message.kind == "callback" else REFUSED


@dataclass(frozen=True, slots=True, kw_only=True)
class Tab:
    """A link to the messages of one channel."""

    url: str
    title: str
    count: int
    current: bool


def shown_messages(slack: Workspace, inbox: Inbox, place: Place) -> list[Card | InboxCard]:
    """Return the messages in a place, the newest first."""
    found = [each for each in _all(slack, inbox, place.person) if not place.channel or _tab(each) == place.channel]
    return sorted(found, key=lambda each: (each.at, each.id), reverse=True)


def tabs_of(slack: Workspace, inbox: Inbox, place: Place) -> list[Tab]:
    """Return a tab for all messages, and one for each channel."""
    counts = Counter(_tab(each) for each in _all(slack, inbox, place.person))
    channels = slack.channels.all().values()
    titles = {channel.id: title_of(channel) for channel in channels if channel.person in {None, place.person.id}}
    webhooks = {each: "Webhook" for each in counts if each not in titles and "://" in each}
    others = {CALLBACKS: "Callbacks", REFUSED: "Not taken by Slack"}
    titles |= webhooks | {name: title for name, title in others.items() if counts[name]}
    listed = [
        Tab(url=place.url(channel=name), title=title, count=counts[name], current=place.channel == name)
        for name, title in titles.items()
    ]
    return [Tab(url=place.url(channel=""), title="All", count=counts.total(), current=not place.channel), *listed]


def _all(slack: Workspace, inbox: Inbox, viewer: Person) -> Iterator[Card | InboxCard]:
    yield from cards_of(slack, viewer)
    yield from (_inbox_card(message) for message in list(inbox.messages) if not message.posted)


def _tab(card: Card | InboxCard) -> str:
    return card.post.channel if isinstance(card, Card) else card.tab


def _inbox_card(message: Message) -> InboxCard:
    parsed = message.parsed()
    document = parsed if isinstance(parsed, dict) else {}
    shown = message.body if parsed is None else json.dumps(parsed, indent=2, ensure_ascii=False)
    return InboxCard(message=message, document=document, type=_type(parsed), shown=shown)


def _type(parsed: Any) -> str:
    return str(parsed.get("type", "no type")) if isinstance(parsed, dict) else "not JSON"
