"""Whether the message about an end is a reply in the thread of the living message, by what is known of that message."""

from dataclasses import dataclass
from typing import TypeAlias

from bridge.domain.delivery.posted_messages import PostedMessage, Thread
from bridge.domain.living.end_place import EndPlace
from bridge.domain.living.living_message import LivingMessage, Phase
from bridge.domain.times import SECOND, Moment, Span

LOOK_AGAIN: Span = SECOND
LONGEST_POST: Span = 30 * SECOND
"""How long a post may take; a later answer is not awaited, also if the clock was set back."""


@dataclass(frozen=True, slots=True)
class AwaitPost:
    """The living message is being posted; whether the end can be a reply is known soon."""


Place: TypeAlias = Thread | AwaitPost | None
"""The thread in which the end is told; None if it is told in an ordinary message."""


def place_of(end: EndPlace, living: LivingMessage | None, now: Moment) -> Place:
    """Return the thread in which an end is told, or that this must be awaited; None for an ordinary message."""
    match living:
        case LivingMessage(phase=Phase.POSTING, answer_by=answer_by) if now < answer_by <= now + LONGEST_POST:
            return None if end is EndPlace.MESSAGE else AwaitPost()
        case LivingMessage(phase=Phase.SHOWN | Phase.FROZEN | Phase.ENDED, posted=PostedMessage(ts=ts)):
            return None if end is EndPlace.MESSAGE else Thread(ts=ts, broadcast=end is EndPlace.BROADCAST)
        case _:
            return None
