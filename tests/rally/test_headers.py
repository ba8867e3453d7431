"""Rally's rate-limit headers."""

import pytest

from bridge.domain.polling.allowance import Allowance
from bridge.domain.times import HOUR, MINUTE
from bridge.rally.headers import allowance_of, header_problem_of
from tests.support.samples import NOW


def limits(limit: str = "100", remaining: str = "99", reset: str = "1800000060") -> dict[str, str]:
    return {"x-ratelimit-limit": limit, "x-ratelimit-remaining": remaining, "x-ratelimit-reset": reset}


NOT_BETWEEN = "x-ratelimit-remaining not between 0 and x-ratelimit-limit"
NOT_SOON = "x-ratelimit-reset not within the next hour"


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"x-ratelimit-limit": "1"}, "x-ratelimit-remaining, x-ratelimit-reset missing"),
        (limits("x", "y"), "x-ratelimit-limit, x-ratelimit-remaining not a single whole number"),
        (limits("0", "0"), NOT_BETWEEN),
        (limits("1", "0"), None),
        (limits("1", "1"), None),
        (limits("1", "2"), NOT_BETWEEN),
        (limits("5", "-1"), NOT_BETWEEN),
        (limits(reset="1799999995"), None),
        (limits(reset="1799999994"), NOT_SOON),
        (limits(reset="1800003600"), None),
        (limits(reset="1800003601"), NOT_SOON),
        (limits(reset="1800003630") | {"date": "Fri, 15 Jan 2027 08:00:30 GMT"}, None),
        (limits(reset="1800003600") | {"date": "Fri, 15 Jan 2027 07:59:30 GMT"}, NOT_SOON),
    ],
)
def test_a_header_problem_begins_just_beyond_its_limit(headers: dict[str, str], expected: str | None) -> None:
    assert header_problem_of(list(headers.items()), headers, NOW) == expected


def test_a_limit_of_one_is_valid() -> None:
    assert allowance_of(limits("1", "1"), NOW) == Allowance(limit=1, remaining=1, resets_in=MINUTE)


@pytest.mark.parametrize(("reset", "wait"), [(10**11, HOUR), (10**11 + 1, 0)])
def test_a_reset_beyond_the_year_5000_is_in_milliseconds(reset: int, wait: int) -> None:
    assert allowance_of(limits(reset=str(reset)), NOW) == Allowance(limit=100, remaining=99, resets_in=wait)
