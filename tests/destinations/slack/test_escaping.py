"""Text for Slack: escaping, cutting, masking, times."""

import pytest

from bridge.destinations.slack.escaping import (
    MOST_TIMES,
    code,
    escaped_line,
    humanized,
    masked_email,
    moment_of,
    neutralized,
    neutralized_with_times,
    truncated,
)
from bridge.domain.times import DAY, HOUR, MINUTE, SECOND


@pytest.mark.parametrize("text", ["", "1970-01-01T00:00:00Z", "2026-11-24T16:00:00", "2026-11-24", "9" * 400])
def test_what_is_no_time(text: str) -> None:
    assert moment_of(text) is None


@pytest.mark.parametrize(
    ("text", "limit", "cut"),
    [
        ("abc", 3, "abc"),
        ("abcd", 3, "ab…"),
        ("a&amp;b", 7, "a&amp;b"),
        ("a&amp;bc", 7, "a&amp;…"),
        ("a&amp;bc", 6, "a…"),
        ("a&amp;bc", 3, "a…"),
        ("ab cdef", 4, "ab…"),
    ],
)
def test_cutting_never_splits_an_entity(text: str, limit: int, cut: str) -> None:
    assert truncated(text, limit) == cut
    assert len(cut) <= limit


def test_text_is_cut_after_it_was_escaped() -> None:
    assert escaped_line("&" * 300, 100) == "&amp;" * 19 + "…"


@pytest.mark.parametrize(
    ("email", "shown_as"),
    [
        ("jane@example.com", "j…@example.com"),
        (" j@example.com", "j…@example.com"),
        ("@example.com", "…@example.com"),
        ('"a@b"@example.com', '"…@example.com'),
        ("jane.doe", "j…"),
        ("", "…"),
    ],
)
def test_an_email_is_masked(email: str, shown_as: str) -> None:
    assert masked_email(email) == shown_as


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


def test_text_that_runs_leftward_stays_in_its_place() -> None:
    assert escaped_line("שלום", 100) == "\u2068שלום\u2069"
    assert escaped_line("\u2069שלום\u202e", 100) == "\u2068שלום\u2069"
    assert escaped_line("hello", 100) == "hello"


def test_code_can_not_be_left() -> None:
    assert code("a`b <c>", 100) == "`aˋb &lt;c&gt;`"
    assert code("", 100) == "`?`"


def test_what_is_inert_still_reads_the_same() -> None:
    assert neutralized("v1.2 *now* & <then>", 100).replace("\u2060", "") == "v1.2 *now* &amp; &lt;then&gt;"


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
def test_a_span_changes_its_unit_just_here(span: int, words: str) -> None:
    assert humanized(span) == words


def test_quotes_stay_as_they_are() -> None:
    assert (escaped_line('"it\'s"', 99), code('"it\'s"', 99)) == ('"it\'s"', '`"it\'s"`')


def test_only_a_few_times_of_a_text_are_converted() -> None:
    assert neutralized_with_times("2026-11-24T16:00:00Z " * 9, 600).count("<!date") == MOST_TIMES
