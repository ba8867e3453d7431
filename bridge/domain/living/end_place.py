"""The setting of a Slack channel that says where the end of an import is told, if it has a living message there."""

from enum import StrEnum


class EndPlace(StrEnum):
    """`broadcast`: as a reply to the living message that is shown in the channel as well.

    `reply`: as a reply that is shown in the thread only; `message`: as an ordinary message.
    """

    BROADCAST = "broadcast"
    REPLY = "reply"
    MESSAGE = "message"
