"""Text for Slack: escaping, cutting, masking, times."""

import pytest

from bridge.destinations.slack.escaping import (
    MOST_TIMES,
    code,
    escaped_line,
    formatted_units,
    neutralized,
    neutralized_with_times,
    truncated,
)


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


def test_right_to_left_text_is_isolated() -> None:
    assert escaped_line("שלום", 100) == "\u2068שלום\u2069"
    assert escaped_line("\u2069שלום\u202e", 100) == "\u2068שלום\u2069"
    assert escaped_line("hello", 100) == "hello"


def test_text_as_code_cannot_end_the_code() -> None:
    assert code("a`b <c>", 100) == "`aˋb &lt;c&gt;`"
    assert code("", 100) == "`?`"


def test_neutralized_text_reads_the_same() -> None:
    assert neutralized("v1.2 *now* & <then>", 100).replace("\u2060", "") == "v1.2 *now* &amp; &lt;then&gt;"


@pytest.mark.parametrize("emoji", ["\U0001f600", "\u23ed\ufe0f", "\U0001f469\u200d\U0001f4bb", "\U0001f44d\U0001f3fd"])
def test_a_text_of_emoji_has_room_when_slack_writes_their_names(emoji: str) -> None:
    """`:black_right_pointing_double_triangle_with_vertical_bar:` is the longest name, with 58 characters."""
    for text in (neutralized(emoji * 300, 600), code(emoji * 300, 600)):
        assert text.count(emoji[0]) >= 20
        assert formatted_units(text) < 3_000


def test_quotes_stay_as_they_are() -> None:
    assert (escaped_line('"it\'s"', 99), code('"it\'s"', 99)) == ('"it\'s"', '`"it\'s"`')


def test_only_a_few_times_of_a_text_are_converted() -> None:
    assert neutralized_with_times("2026-11-24T16:00:00Z " * 9, 600).count("<!date") == MOST_TIMES
