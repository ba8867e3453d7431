"""Destinations: where a notification may be sent."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from bridge.domain.living.end_place import EndPlace
from bridge.domain.mentions import Mention
from bridge.domain.outcomes import Outcome
from bridge.domain.secret import Secret

CHANNEL_ID = r"^[CGD][A-Z0-9]{5,30}$"
"""The id of a Slack channel. Names of channels can change, and can't be posted to."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SlackWebhook:
    """A Slack incoming webhook. Its URL is a secret: anyone who knows it can post."""

    url: Secret
    on: frozenset[Outcome] | None = None
    mention: Mention | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SlackChannel:
    """A channel that the operator's Slack bot posts to, identified by its id (`C0123ABCD`)."""

    channel: str
    on: frozenset[Outcome] | None = None
    mention: Mention | None = None
    live: EndPlace | None = None
    """Where the end is told of an import that has a living message there; None if it has none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Callback:
    """A URL of a client that receives outcomes as signed POST requests.

    They are signed with `secret`, or without one by the secret that the bridge has derived for the client.
    """

    url: Secret
    secret: Secret | None = None
    headers: Mapping[str, Secret] = field(default_factory=dict)
    on: frozenset[Outcome] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedDestination:
    """A destination configured by the operator under a name, which is resolved at each attempt."""

    name: str
    on: frozenset[Outcome] | None = None


ResolvedDestination: TypeAlias = SlackWebhook | SlackChannel | Callback
"""A destination other than a name."""

Destination: TypeAlias = ResolvedDestination | NamedDestination
"""A destination of a watch. Its field `on` holds the outcomes that it receives; None means all."""


def mentioned(destination: Destination, outcome: Outcome, named: Mapping[str, ResolvedDestination]) -> tuple[str, ...]:
    """Return the Slack users that a destination mentions for an outcome; `named` are the operator's destinations."""
    resolved = named.get(destination.name) if isinstance(destination, NamedDestination) else destination
    match resolved:
        case SlackWebhook(mention=Mention() as mention) | SlackChannel(mention=Mention() as mention):
            return mention.users_for(outcome)
        case _:
            return ()
