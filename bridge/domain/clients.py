"""Clients: the internal tools that may call the API, and what each is permitted to use."""

import hashlib
from dataclasses import dataclass, field

SHORTEST_KEY = 16
"""The length of the shortest API key. A word as long in a wrong place may be a key; messages do not repeat it."""
DIGEST_PREFIX = "sha256:"
"""How a digest is written: after it, 64 hexadecimal digits."""
RULE_PREFIX = "rule:"
"""How the name of the client of a rule's watches begins; a client with an API key has no colon in its name."""
SLACK_PREFIX = "slack:"
"""How the name of the client of a watch that was made in Slack begins; the id of the user follows."""


def slack_client(user: str) -> str:
    """Return the client of the watches that a Slack user makes."""
    return f"{SLACK_PREFIX}{user}"


def slack_user_of(client: str) -> str | None:
    """Return the id of the Slack user whose watches belong to a client; None for other clients."""
    return client.removeprefix(SLACK_PREFIX) if client.startswith(SLACK_PREFIX) else None


def is_rule(client: str) -> bool:
    """Return whether the watches of this client are made by a rule."""
    return client.startswith(RULE_PREFIX)


@dataclass(frozen=True, slots=True, kw_only=True)
class Permissions:
    """What a client may use; None permits everything."""

    workspaces: frozenset[str] | None = None
    slack_channels: frozenset[str] | None = None
    """The Slack channels. If set, incoming webhooks are not permitted: their URLs do not contain the channel."""
    named: frozenset[str] | None = None
    callback_hosts: frozenset[str] | None = None
    """The hosts of callbacks, and of incoming webhooks elsewhere than at Slack."""

    def may_name(self, destination: str) -> bool:
        """Return whether the client may use the operator's destination of this name."""
        return self.named is None or destination in self.named

    def may_watch_in(self, workspace: str) -> bool:
        return self.workspaces is None or workspace in self.workspaces


@dataclass(frozen=True, slots=True, kw_only=True)
class SlackTeam:
    """The Slack workspace whose people may use the app, and the id of the app; both as Slack's requests name them."""

    team: str
    app: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Client:
    """An internal tool, identified by name; an `admin` sees the watches of all clients."""

    name: str
    admin: bool = False
    digests: tuple[bytes, ...] = field(repr=False)
    """The digest of each API key of the client."""
    permissions: Permissions = Permissions()
    slack: SlackTeam | None = None
    """The Slack workspace that is this client."""


def digest(key: str) -> bytes:
    """Return the SHA-256 of an API key. Keys are long and random, so a plain hash does not reveal them."""
    return hashlib.sha256(key.encode("utf-8", "surrogateescape")).digest()
