"""Pauses between polls: intervals, jitter and tiers."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.domain.polling.poll_intervals import PollIntervals
from bridge.domain.times import DAY, HOUR, MINUTE, SECOND

SCHEDULE = PollIntervals(floor=3 * SECOND, ceiling=MINUTE, growth=1.0)


@pytest.mark.parametrize(("age", "pause"), [(0, 3), (4, 3), (9, 3), (100, 10), (3600, 60), (86_400, 60)])
def test_the_pause_grows_with_the_root_of_the_age(age: int, pause: int) -> None:
    assert SCHEDULE.pause(age * SECOND, faults=0, jitter=0) == pause * SECOND


@given(age=st.integers(-DAY, 40 * DAY), faults=st.integers(0, 10_000), jitter=st.floats(0, 1))
def test_jitter_and_faults_only_lengthen_a_pause_and_it_stays_bounded(age: int, faults: int, jitter: float) -> None:
    pause = SCHEDULE.pause(age, faults=faults, jitter=jitter)

    assert SCHEDULE.interval(age) <= pause <= MINUTE * 1.1


def test_intervals_are_whole_and_jittered_exactly() -> None:
    assert SCHEDULE.interval(10_000_000) == 60_000
    assert isinstance(SCHEDULE.interval(10_000_000), int)
    assert SCHEDULE.pause(0, faults=0, jitter=1.0) == 3_300
    assert PollIntervals(floor=0, ceiling=MINUTE, growth=1.0).interval(0) == 0
    assert PollIntervals(floor=1, ceiling=HOUR, growth=1.0).pause(0, faults=99, jitter=0.0) == 1_024
