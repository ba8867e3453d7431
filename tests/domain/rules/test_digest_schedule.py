"""When the digests of a rule are sent, also where clocks change."""

from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.domain.rules.digest_schedule import next_digest
from bridge.domain.rules.rules import DailyAt, Every
from bridge.domain.times import DAY, HOUR, SECOND
from tests.support.samples import NOW

BERLIN = "Europe/Berlin"


def moment(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp()) * SECOND


def test_a_digest_by_the_hour_is_sent_an_hour_after_its_first_import() -> None:
    assert next_digest(Every(span=HOUR), NOW) == NOW + HOUR


@pytest.mark.parametrize(
    ("now", "minute", "zone", "due"),
    [
        ("2026-11-24T07:59:59+01:00", 9 * 60, BERLIN, "2026-11-24T09:00:00+01:00"),
        ("2026-11-24T09:00:00+01:00", 9 * 60, BERLIN, "2026-11-25T09:00:00+01:00"),
        ("2026-11-24T23:30:00+01:00", 0, BERLIN, "2026-11-25T00:00:00+01:00"),
        ("2026-11-24T23:30:00+00:00", 9 * 60 + 30, "Pacific/Kiritimati", "2026-11-25T19:30:00+00:00"),
        ("2026-11-24T23:30:00+00:00", 23 * 60 + 45, "UTC", "2026-11-24T23:45:00+00:00"),
        # In summer time the same local time is an hour earlier.
        ("2026-03-28T12:00:00+01:00", 9 * 60, BERLIN, "2026-03-29T09:00:00+02:00"),
        ("2026-10-24T12:00:00+02:00", 9 * 60, BERLIN, "2026-10-25T09:00:00+01:00"),
        # 02:30 does not exist on the day on which clocks are put forward; it exists twice when they are put back.
        ("2026-03-29T00:00:00+01:00", 2 * 60 + 30, BERLIN, "2026-03-29T03:30:00+02:00"),
        ("2026-10-25T00:00:00+02:00", 2 * 60 + 30, BERLIN, "2026-10-25T02:30:00+02:00"),
        ("2026-10-25T02:30:00+02:00", 2 * 60 + 30, BERLIN, "2026-10-26T02:30:00+01:00"),
        # Samoa skipped 2011-12-30.
        ("2011-12-29T23:00:00-10:00", 9 * 60, "Pacific/Apia", "2011-12-31T09:00:00+14:00"),
    ],
)
def test_a_daily_digest_is_sent_when_clocks_show_its_time(now: str, minute: int, zone: str, due: str) -> None:
    assert next_digest(DailyAt(minute=minute, zone=zone), moment(now)) == moment(due)


@given(
    st.integers(0, 24 * 60 - 1),
    st.sampled_from([BERLIN, "America/St_Johns", "Australia/Lord_Howe", "Pacific/Apia", "UTC"]),
    st.integers(0, 4_000_000_000_000),
)
def test_a_daily_digest_is_sent_within_about_a_day(minute: int, zone: str, now: int) -> None:
    assert now < next_digest(DailyAt(minute=minute, zone=zone), now) <= now + 2 * DAY
