"""When the digests of a rule are sent."""

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from bridge.domain.rules.rules import DailyAt, DigestSchedule, Every
from bridge.domain.times import SECOND, Moment

MINUTES = 60


def next_digest(schedule: DigestSchedule, now: Moment) -> Moment:
    """Return when a digest is sent whose first import is gathered now."""
    match schedule:
        case Every(span=span):
            return now + span
        case DailyAt():
            return _next_day_time(schedule, now)


def _next_day_time(schedule: DailyAt, now: Moment) -> Moment:
    """Return the next moment after now at which clocks in the zone show the time.

    A time that clocks skip counts as the same time before they were put forward; of a time that they show twice, the
    first counts.
    """
    zone = ZoneInfo(schedule.zone)
    at = time(*divmod(schedule.minute, MINUTES))
    today = datetime.fromtimestamp(now / SECOND, zone).date()
    days = (datetime.combine(today + timedelta(days=ahead), at, zone) for ahead in range(-1, 3))
    moments = (int(day.astimezone(UTC).timestamp()) * SECOND for day in days)
    return next(moment for moment in moments if moment > now)
