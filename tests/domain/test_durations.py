"""Durations as people write them."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.domain.durations import duration
from bridge.domain.times import DAY, MINUTE, SECOND


@pytest.mark.parametrize(
    ("text", "span"),
    [("500ms", 500), ("30s", 30 * SECOND), ("10m", 10 * MINUTE), ("1h30m", 90 * MINUTE), ("2d", 2 * DAY)],
)
def test_durations_are_read_with_their_units(text: str, span: int) -> None:
    assert duration(text) == span


@given(st.text(max_size=12))
def test_any_text_is_a_duration_or_an_error(text: str) -> None:
    with suppress(ValueError):
        assert duration(text) > 0
