"""When a delivery is attempted again after a failed attempt, and when it is abandoned instead."""

from collections.abc import Sequence
from dataclasses import dataclass

from bridge.domain.delivery.verdicts import Deferred
from bridge.domain.times import DAY, Moment, Span

RETRY_AFTER_HONOURED: Span = DAY
"""The longest Retry-After of a destination that is honoured."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliverySchedule:
    """The pause after each failed attempt (DELIVERY_SCHEDULE), and the longest age of a delivery."""

    pauses: Sequence[Span]
    max_age: Span

    def next_attempt(
        self, verdict: Deferred, *, failures: int, queued_at: Moment, now: Moment, jitter: float
    ) -> Moment | None:
        """Return when to attempt a delivery again after this many failures (1 or more); None to abandon it.

        `jitter` (0 to 1) lengthens the scheduled pause by up to a tenth. If the destination asked for a longer pause,
        that one counts.
        """
        retries = len(self.pauses) if verdict.max_tries is None else min(verdict.max_tries - 1, len(self.pauses))
        if failures > retries:
            return None
        scheduled = self.pauses[failures - 1]
        at = max(now + scheduled + int(scheduled * jitter / 10), self.asked_until(verdict, now) or now)
        return None if self.is_too_old(queued_at, at) else at

    @staticmethod
    def asked_until(verdict: Deferred, now: Moment) -> Moment | None:
        """Return until when the destination has asked to wait; None if it has not."""
        return None if not verdict.wait else now + min(verdict.wait, RETRY_AFTER_HONOURED)

    def is_too_old(self, queued_at: Moment, now: Moment) -> bool:
        """Return whether a delivery that was queued at `queued_at` is abandoned for its age."""
        return now >= queued_at + self.max_age
