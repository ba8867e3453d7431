"""Times and spans in Slack messages."""

import pytest

from bridge.destinations.slack.wording import humanized, ordinal
from bridge.domain.times import DAY, HOUR, MINUTE, SECOND


@pytest.mark.parametrize(
    ("span", "words"),
    [
        (0, "about 1 s"),
        (1_400, "about 1 s"),
        (89 * SECOND, "about 89 s"),
        (4 * MINUTE, "about 4 min"),
        (3 * HOUR, "about 3 h"),
        (30 * DAY, "about 30 days"),
    ],
)
def test_a_span_in_words(span: int, words: str) -> None:
    assert humanized(span) == words


@pytest.mark.parametrize(
    ("span", "words"),
    [
        (90 * SECOND - 1, "about 90 s"),
        (90 * SECOND, "about 2 min"),
        (90 * MINUTE - 1, "about 90 min"),
        (90 * MINUTE, "about 2 h"),
        (2 * DAY - 1, "about 48 h"),
        (2 * DAY, "about 2 days"),
    ],
)
def test_the_unit_of_a_span_changes_at_its_bound(span: int, words: str) -> None:
    assert humanized(span) == words


@pytest.mark.parametrize(
    ("number", "text"),
    [(1, "1st"), (2, "2nd"), (3, "3rd"), (4, "4th"), (11, "11th"), (12, "12th"), (13, "13th"), (21, "21st")],
)
def test_ordinal_numbers(number: int, text: str) -> None:
    assert ordinal(number) == text
