"""Pushes: messages by which Rally says that an import ended. A push is a hint; only a poll decides."""

from dataclasses import dataclass
from enum import StrEnum

from bridge.domain.times import DAY, HOUR, Moment, Span

API_FINISHED = "person_import.api.finished"
CSV_FINISHED = "person_import.csv.finished"
KNOWN_EVENTS = frozenset({API_FINISHED, CSV_FINISHED})
"""The events about imports. Rally has others, and may add more."""
OTHER_EVENT = "other"
"""What every other event is counted as."""
TEST_PREFIX = "test_"
"""How the import ids of test messages begin. Svix' portal sends them; Rally has no such imports."""
REMEMBERED_FOR: Span = 48 * HOUR
"""How long the id of a message is kept. Svix repeats a failed message for about 27.5 hours."""
FIRST_KEPT_LONGER: Span = 90 * DAY
"""How much longer than a watch the time of an import's first push is kept: as long as Svix can replay its message."""


class PushResult(StrEnum):
    """What a verified push caused."""

    WATCHED = "watched"
    """Its import is being polled: the next poll is due now."""
    FOR_RULES = "for_rules"
    """Nobody watches its import; the rules of the workspace decide."""
    UNWATCHED = "unwatched"
    """Neither a watch nor a rule concerns it."""
    DUPLICATE = "duplicate"
    """Nothing: a message with this id was recorded before."""
    OTHER_EVENT = "other_event"
    """Nothing: the event is not about an import."""
    IMPOSSIBLE_ID = "impossible_id"
    """Nothing: no import can have this id."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Push:
    """A verified message about an import. It has no e-mail addresses: those of its body are only counted."""

    message_id: str
    """The same on every repetition of the message."""
    event: str
    """One of KNOWN_EVENTS."""
    workspace: str
    import_id: str
    status: str | None
    """One of the known statuses; None for any other."""
    failed_record_count: int | None
    """None if the push does not say it in a form that we know."""
    updated_at: Moment | None

    @property
    def says_problem(self) -> bool:
        """Return whether the push says that the import failed, or that records of it did."""
        return self.status == "ERROR" or bool(self.failed_record_count)

    @property
    def says_success(self) -> bool:
        """Return whether the push says without doubt that the import completed without failed records."""
        return self.status == "COMPLETED" and self.failed_record_count == 0

    @property
    def is_test(self) -> bool:
        return self.import_id.startswith(TEST_PREFIX)


@dataclass(frozen=True, slots=True, kw_only=True)
class QueuedPush:
    """A push that the rules of its workspace must see."""

    push: Push
    at: Moment
    """When it was recorded."""
    first_at: Moment
    """When the first push about its import was recorded."""
