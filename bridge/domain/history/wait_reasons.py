"""The reasons for which a watch waits, as the API names them."""

from dataclasses import dataclass
from enum import StrEnum

from bridge.domain.times import Moment


class WaitReason(StrEnum):
    """What the wait is about. The first ones concern an open watch, the last ones the messages of a settled watch."""

    NEXT_POLL = "next_poll"
    """Nothing unusual: the import is polled again at the time."""
    BUDGET = "budget"
    """Rally's rate limit, or our share of it, is used up."""
    RALLY_PAUSE = "rally_pause"
    """Rally answered 429."""
    RALLY_DOWN = "rally_down"
    """Rally gives no usable answers: the breaker is open."""
    KEY_REFUSED = "key_refused"
    IMPORTS_VANISHED = "imports_vanished"
    """Rally shows none of the imports that it showed before."""
    WORKSPACE_UNKNOWN = "workspace_unknown"
    """The workspace is not configured any more."""
    SETTLING = "settling"
    """The import has ended, and the outcome is being written."""
    NO_WORKER = "no_worker"
    """No worker is alive: nothing is polled or sent."""
    REPLICAS = "replicas"
    """Too few replicas of Redis have confirmed the outcome, or are connected: nothing is then polled or sent."""
    REDIS_FULL = "redis_full"
    """Redis has no memory left: nothing is polled or sent."""
    SENDING = "sending"
    """The first attempt is due, or waits for other messages to the same receiver."""
    RETRY = "retry"
    """An attempt failed; the next one follows the schedule."""
    RETRY_AFTER = "retry_after"
    """The receiver asked to wait."""
    PRECEDENCE = "precedence"
    """The message of a rule is held while a watch may tell the same destination."""
    DIGEST = "digest"
    """The message is part of a digest that is not sent yet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitingFor:
    """What a watch waits for, since when and until when (None: unknown); `detail` is a sentence without a full stop."""

    reason: WaitReason
    since: Moment | None
    until: Moment | None
    detail: str
