"""Living messages as they are stored: one for each receiver and import, however many watches share it."""

from dataclasses import dataclass
from enum import StrEnum

from bridge.domain.delivery.posted_messages import PostedMessage
from bridge.domain.times import Moment


class Phase(StrEnum):
    """What became of a living message."""

    WAITING = "waiting"
    """It is posted later, if the import still runs then."""
    POSTING = "posting"
    """It is being posted, and Slack has not answered."""
    SHOWN = "shown"
    """It is in Slack, and is edited."""
    FROZEN = "frozen"
    """It is in Slack and stays as it is: Slack does not accept edits of it."""
    GIVEN_UP = "given_up"
    """It is not known whether or where it is in Slack. It is neither posted again nor edited."""
    ENDED = "ended"
    """It is in Slack, and says that the import has ended."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LivingPlace:
    """Where a watch wants a living message: the fingerprint of the receiver, and its lane."""

    receiver: str
    lane: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LivingMessage:
    """A living message.

    `words` is the digest of its words, as far as Slack is known to show them; `due` is when it is looked at next.
    """

    phase: Phase
    due: Moment
    posted: PostedMessage | None = None
    words: str = ""
    plain: bool = False
    """Whether it is plain text, because Slack did not accept our formatting."""
    failures: int = 0
    """The number of its last edits in a row that failed."""
    ended_by: str | None = None
    """The watch that ended last, if none is left that waits for the import."""
    settled_by: str | None = None
    """The watch that was settled last. With it the import may have ended, although the last watch was cancelled."""
    answer_by: Moment = 0
    """Until when Slack's answer is awaited."""

    def is_over(self) -> bool:
        """Return whether nothing more is done with it once its import has ended."""
        return self.phase in {Phase.ENDED, Phase.FROZEN, Phase.GIVEN_UP}
