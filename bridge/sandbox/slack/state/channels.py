"""The channels of the workspace, and the direct messages between the app and a person."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

from bridge.sandbox.slack.api.refusal import Refused
from bridge.sandbox.slack.state.people import PEOPLE

CHANNEL_ID = re.compile(r"[CG][A-Z0-9]{5,30}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Channel:
    """A channel; `has_app`: the app is a member. A direct message has a person instead of a name."""

    id: str
    name: str = ""
    has_app: bool = True
    archived: bool = False
    person: str | None = None


PANELS = Channel(id="C0PANELS", name="panels")
RESEARCH_OPS = Channel(id="C0RESEARCHOPS", name="research-ops")
GENERAL = Channel(id="C0GENERAL", name="general", has_app=False)


class Channels:
    """The known channels. Any other valid id is a channel as well, which the app is a member of."""

    def __init__(self) -> None:
        self._channels: dict[str, Channel] = {}
        self.clear()

    def clear(self) -> None:
        self._channels = {each.id: each for each in (PANELS, RESEARCH_OPS, GENERAL)}

    def all(self) -> Mapping[str, Channel]:
        return self._channels

    def get(self, channel_id: str) -> Channel | None:
        """Return a channel; a new one for an id that is not known yet."""
        if CHANNEL_ID.fullmatch(channel_id):
            return self._channels.setdefault(channel_id, Channel(id=channel_id))
        return self._channels.get(channel_id)

    def of_app(self, channel_id: object) -> Channel:
        """Return a channel that the app may post in. Raise Refused if it may not."""
        channel = self.get(channel_id) if isinstance(channel_id, str) else None
        if channel is None:
            raise Refused("channel_not_found")
        if channel.archived:
            raise Refused("is_archived")
        if not channel.has_app:
            raise Refused("not_in_channel")
        return channel

    def direct(self, user: str) -> Channel:
        """Return the direct message between the app and a person."""
        if user not in PEOPLE:
            raise Refused("user_not_found")
        made = Channel(id=f"D0{user.removeprefix('U0')}", person=user)
        return self._channels.setdefault(made.id, made)

    def change(self, channel_id: str, *, has_app: bool | None = None, archived: bool | None = None) -> Channel | None:
        """Let the app join or leave a channel, or archive it."""
        channel = self.get(channel_id)
        if channel is None:
            return None
        joined = channel.has_app if has_app is None else has_app
        closed = channel.archived if archived is None else archived
        self._channels[channel.id] = replace(channel, has_app=joined, archived=closed)
        return self._channels[channel.id]
