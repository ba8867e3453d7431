"""Times are in UTC, whatever the machine's time zone."""

import os
import time
from collections.abc import Iterator

import pytest

from bridge.destinations.slack.wording import local_time
from bridge.domain.retry_after import retry_after
from bridge.domain.times import DAY, SECOND, moment_of, rfc3339
from tests.support.samples import NOW


@pytest.fixture
def far_from_greenwich() -> Iterator[None]:
    """Set the machine's time zone to one that differs from UTC."""
    before = os.environ.get("TZ")
    os.environ["TZ"] = "Pacific/Auckland"
    time.tzset()
    yield
    os.environ.pop("TZ")
    os.environ.update({} if before is None else {"TZ": before})
    time.tzset()


@pytest.mark.usefixtures("far_from_greenwich")
def test_times_are_in_utc_in_every_time_zone() -> None:
    assert rfc3339(NOW + 7) == "2027-01-15T08:00:00.007Z"
    assert local_time(NOW) == "<!date^1800000000^{date_short_pretty} {time}|2027-01-15 08:00 UTC>"
    assert retry_after({"retry-after": "Fri, 15 Jan 2027 08:00:30 GMT"}, NOW, at_most=DAY) == 30 * SECOND


@pytest.mark.parametrize("text", ["", "1970-01-01T00:00:00Z", "2026-11-24T16:00:00", "2026-11-24", "9" * 400])
def test_an_invalid_time_is_none(text: str) -> None:
    assert moment_of(text) is None


@pytest.mark.parametrize("text", ["2027-01-15T08:00:00.007Z", "2027-01-15T10:00:00.007+02:00"])
def test_a_time_is_read_with_its_offset(text: str) -> None:
    assert moment_of(text) == NOW + 7
