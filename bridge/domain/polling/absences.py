"""Absences: 404 or 403 from Rally, which count only when repeated.

A single one may come from a router during a deploy, or from a replica that lags behind.
"""

from dataclasses import dataclass, replace

from bridge.domain.imports import Absence
from bridge.domain.times import Moment, Span

ABSENCES_REQUIRED = 3
"""The least number of absences in a row that ends a watch."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AbsenceStreak:
    """The absences of an import since it was last read: the latest kind, first and last moment, and longest gap."""

    absence: Absence
    since: Moment
    at: Moment
    count: int = 1
    longest_gap: Span = 0

    def followed_by(self, absence: Absence, at: Moment) -> "AbsenceStreak":
        gap = max(self.longest_gap, at - self.at)
        return replace(self, absence=absence, at=at, count=self.count + 1, longest_gap=gap)

    def is_conclusive(self, grace: Span) -> bool:
        """Return whether the absences count: there are enough, and they spread over at least the grace period.

        They are not spread if a single gap makes up more than three quarters of the time.
        """
        span = self.at - self.since
        return self.count >= ABSENCES_REQUIRED and span >= grace and self.longest_gap * 4 <= span * 3


def next_streak(known: AbsenceStreak | None, absence: Absence, at: Moment, *, trusted_since: Moment) -> AbsenceStreak:
    """Return the streak extended by one absence.

    A new streak starts if the old one began before `trusted_since`, or if the clock was set back since.
    """
    if known is None or known.since < trusted_since or at < known.at:
        return AbsenceStreak(absence=absence, since=at, at=at)
    return known.followed_by(absence, at)
