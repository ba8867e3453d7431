"""What Slack's answer to an edit means for a living message."""

from dataclasses import dataclass
from typing import TypeAlias

from bridge.domain.times import Span


@dataclass(frozen=True, slots=True)
class Edited:
    """Slack shows the new words."""


@dataclass(frozen=True, slots=True)
class Gone:
    """The message is not there any more."""

    reason: str


@dataclass(frozen=True, slots=True)
class Refused:
    """The message is there, and Slack accepts no edit of it."""

    reason: str


@dataclass(frozen=True, slots=True)
class Unreadable:
    """Slack does not accept the form of the edit."""

    reason: str


@dataclass(frozen=True, slots=True)
class Postponed:
    """The edit failed, and a later one may succeed. `pause` is how long Slack wants no edit of the app at all."""

    reason: str
    pause: Span = 0


EditResult: TypeAlias = Edited | Gone | Refused | Unreadable | Postponed
