"""The proof of pushes: by which factor polling may step back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.domain.rules.push_proof import PROOF_LASTS, UNSTRETCHED, PushProof, countable_type, stretch_of
from bridge.domain.times import DAY
from tests.support.samples import NOW


@pytest.mark.parametrize(
    ("streak", "factor"), [(0, 1), (1, 1), (2, 1), (3, 2), (4, 2), (9, 2), (10, 4), (11, 4), (10**9, 4)]
)
def test_the_pauses_grow_with_the_matches_in_a_row(streak: int, factor: int) -> None:
    assert stretch_of(PushProof(streak=streak, matches=streak, last_match=NOW), NOW).factor == factor


@pytest.mark.parametrize(("age", "factor"), [(-DAY, 4), (0, 4), (7 * DAY - 1, 4), (7 * DAY, 1), (70 * DAY, 1)])
def test_an_old_proof_is_none(age: int, factor: int) -> None:
    assert stretch_of(PushProof(streak=99, last_match=NOW - age), NOW).factor == factor
    assert PROOF_LASTS == 7 * DAY


@given(streak=st.integers(0, 100), matches=st.integers(0, 100), misses=st.integers(0, 100))
def test_nothing_is_proven_without_a_match(streak: int, matches: int, misses: int) -> None:
    assert stretch_of(None, NOW) is UNSTRETCHED
    assert stretch_of(PushProof(streak=streak, matches=matches, misses=misses), NOW) is UNSTRETCHED


@given(st.integers(0, 40))
def test_the_streak_that_is_named_allows_the_factor(streak: int) -> None:
    stretch = stretch_of(PushProof(streak=streak, last_match=NOW), NOW)

    assert stretch.streak <= streak
    assert stretch_of(PushProof(streak=stretch.streak, last_match=NOW), NOW) == stretch


@pytest.mark.parametrize(
    ("proven", "unpushed", "silent"), [(True, 2, False), (True, 3, True), (True, 9, True), (False, 9, False)]
)
def test_a_proven_type_is_silent_after_three_ends_without_a_push(*, proven: bool, unpushed: int, silent: bool) -> None:
    assert PushProof(proven=proven, unpushed=unpushed).silent == silent


@pytest.mark.parametrize("type_", ["API", "CSV", "ACTIVITIES", "a_type-of.2027", "x" * 64])
def test_known_and_similar_types_are_counted(type_: str) -> None:
    assert countable_type(type_) == type_


@pytest.mark.parametrize("type_", [None, "", "a type", "CSV\n", "streak:CSV", "Überblick", "x" * 65, "\ud800"])
def test_types_that_are_no_short_words_are_not_counted(type_: str | None) -> None:
    assert countable_type(type_) is None
