"""Retry-After and HTTP dates."""

import pytest

from bridge.domain.retry_after import retry_after
from bridge.domain.times import DAY, HOUR, MINUTE, SECOND
from tests.support import samples

NOW = 784_111_777_000
"""1994-11-06T08:49:37Z, as in the examples of RFC 9110."""
IN_AN_HOUR = ("Sun, 06 Nov 1994 09:49:37 GMT", "Sunday, 06-Nov-94 09:49:37 GMT", "Sun Nov  6 09:49:37 1994")


@pytest.mark.parametrize("value", IN_AN_HOUR)
def test_retry_after_may_be_any_of_the_three_dates(value: str) -> None:
    assert retry_after({"retry-after": value}, NOW, at_most=DAY) == HOUR


def test_a_retry_after_date_counts_from_the_date_of_the_response() -> None:
    headers = {"retry-after": IN_AN_HOUR[0], "date": "Sun, 06 Nov 1994 09:49:07 GMT"}

    assert retry_after(headers, NOW, at_most=DAY) == 30 * SECOND


@pytest.mark.parametrize(
    ("value", "wait"),
    [
        ("0", 0),
        ("120", 2 * MINUTE),
        (" 5 ", 5 * SECOND),
        ("1.5", 1500),
        ("1.0001", 1001),
        ("-5", 0),
        ("99999999999", DAY),
        ("9" * 5000, DAY),
        ("Sun, 06 Nov 1994 08:49:36 GMT", 0),
        ("Sun, 06 Nov 9999 08:49:36 GMT", DAY),
        ("Sun, 06 Nov 1994 08:49:60 GMT", None),
        ("Sun, 31 Feb 1994 08:49:37 GMT", None),
        ("", None),
        ("inf", None),
        ("nan", None),
        ("1e300", None),
        ("1_000", None),
        ("٣", None),
        ("3, 5", 5 * SECOND),
        ("5,3", 5 * SECOND),
        ("-5, soon, 7", 7 * SECOND),
        (f"60, {IN_AN_HOUR[0]}", HOUR),
        (f"{IN_AN_HOUR[1]}, 60", HOUR),
        (f"{IN_AN_HOUR[2]}, 7200, {IN_AN_HOUR[0]}", 2 * HOUR),
        (",", None),
        ("," * 6 + "5", 5 * SECOND),
        ("," * 8 + "5", None),
        ("soon", None),
        ("0x10", None),
    ],
)
def test_absurd_retry_after_values_are_clamped_or_ignored(value: str, wait: int | None) -> None:
    assert retry_after({"retry-after": value}, NOW, at_most=DAY) == wait


def test_without_retry_after_there_is_no_wait() -> None:
    assert retry_after({}, NOW, at_most=DAY) is None


@pytest.mark.parametrize(
    "date",
    [
        "",
        "yesterday",
        "Thu, 01 Jan 1970 00:00:00 GMT",
        "Thu, 01 Jan 2099 00:00:00 GMT",
    ],
)
def test_an_absurd_date_of_a_response_is_ignored(date: str) -> None:
    wait = retry_after({"retry-after": IN_AN_HOUR[0], "date": date}, NOW, at_most=DAY)

    assert wait in {HOUR, DAY}


def test_a_wait_until_the_date_of_the_response_is_zero() -> None:
    assert retry_after({"date": samples.DATE, "retry-after": samples.DATE}, samples.NOW - MINUTE, at_most=DAY) == 0


def test_a_wait_counts_from_the_responses_own_date() -> None:
    value = {"retry-after": "Fri, 15 Jan 2027 08:00:30 GMT"}

    assert retry_after(value | {"date": "Fri, 15 Jan 2027 08:00:20 GMT"}, samples.NOW, at_most=DAY) == 10 * SECOND
    assert retry_after(value | {"date": samples.DATE}, 0, at_most=DAY) == 30 * SECOND
    assert retry_after({}, samples.NOW, at_most=DAY) is None
