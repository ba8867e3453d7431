"""Tiers of polls."""

import pytest

from bridge.domain.polling.poll_tiers import tier_of
from bridge.domain.times import HOUR, SECOND


@pytest.mark.parametrize(
    ("pause", "tier"),
    [
        *((-1, 0), (0, 0), (3_999, 0), (4_000, 1), (7_999, 1), (8_000, 2), (63_999, 4), (64_000, 5), (HOUR, 10)),
        *(((4 * SECOND << 14) - 1, 14), (4 * SECOND << 14, 15), (4 * SECOND << 40, 15)),
    ],
)
def test_the_pauses_of_a_tier_differ_by_less_than_a_factor_of_two(pause: int, tier: int) -> None:
    assert tier_of(pause) == tier
