"""Where the end of an import is told that has a living message."""

from enum import StrEnum


class EndPlace(StrEnum):
    """`broadcast`: as a reply in its thread that the channel sees as well; `reply`: in its thread only.

    `message`: as an ordinary message.
    """

    BROADCAST = "broadcast"
    REPLY = "reply"
    MESSAGE = "message"
