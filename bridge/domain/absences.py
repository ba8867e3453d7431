"""Absence: 404 or 403 from Rally itself, which is believed only when it was repeated.

One such answer may come from a router in the middle of a deploy, or from a replica that lags behind.
"""

from dataclasses import dataclass, replace

from bridge.domain.imports import Absence
from bridge.domain.times import Moment, Span

ABSENCES_REQUIRED = 3
"""This many absences in a row, at least, end a watch."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AbsenceStreak:
    """Absences of an import since it was last read: the latest, the first and last moment, and the longest gap."""

    absence: Absence
    since: Moment
    at: Moment
    count: int = 1
    longest_gap: Span = 0

    def followed_by(self, absence: Absence, at: Moment) -> "AbsenceStreak":
        gap = max(self.longest_gap, at - self.at)
        return replace(self, absence=absence, at=at, count=self.count + 1, longest_gap=gap)

    def is_conclusive(self, grace: Span) -> bool:
        """Return whether these absences count: they are enough, and spread over at least the grace.

        Absences that a long silence parts into the first and the last moment are not spread.
        """
        span = self.at - self.since
        return self.count >= ABSENCES_REQUIRED and span >= grace and self.longest_gap * 4 <= span * 3


def next_streak(known: AbsenceStreak | None, absence: Absence, at: Moment, *, trusted_since: Moment) -> AbsenceStreak:
    """Return the streak with one more absence.

    It begins anew where it began before `trusted_since`, and where the clock has been set back since.
    """
    if known is None or known.since < trusted_since or at < known.at:
        return AbsenceStreak(absence=absence, since=at, at=at)
    return known.followed_by(absence, at)
