"""The nearest name is found by the number of edits."""

import pytest

from bridge.settings.sources.spelling import edits, nearest


@pytest.mark.parametrize(
    ("one", "other", "distance"),
    [("", "", 0), ("a", "", 1), ("POLL_CIELING", "POLL_CEILING", 2), ("kitten", "sitting", 3), ("ab", "ba", 2)],
)
def test_edits_are_insertions_deletions_and_replacements(one: str, other: str, distance: int) -> None:
    assert (edits(one, other), edits(other, one)) == (distance, distance)


def test_the_nearest_name_is_found_within_two_edits() -> None:
    assert nearest("REDIS_URLS", ["REDIS_URL", "REDIS_URL_FILE"]) == "REDIS_URL"
    assert nearest("REDIS", ["REDIS_URL"]) is None
