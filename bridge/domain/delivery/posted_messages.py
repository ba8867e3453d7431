"""Messages in Slack, as Slack has named them."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

_TIMESTAMP = re.compile(r"\d{1,20}\.\d{1,10}", re.ASCII)
_CHANNEL = re.compile(r"[A-Z][A-Z0-9]{1,39}", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class PostedMessage:
    """The channel of a message, and its time stamp, by which Slack finds it there. Both are texts, never numbers."""

    channel: str
    ts: str

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> "PostedMessage | None":
        """Read it from Slack's answer to a post; None if the answer does not name it."""
        channel, ts = document.get("channel"), document.get("ts")
        if (
            isinstance(channel, str)
            and isinstance(ts, str)
            and _CHANNEL.fullmatch(channel)
            and _TIMESTAMP.fullmatch(ts)
        ):
            return cls(channel=channel, ts=ts)
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Thread:
    """The thread that a message is posted in; with `broadcast`, the channel sees it as well."""

    ts: str
    broadcast: bool
