"""Counts of one process."""

from bridge.metrics import catalogue
from bridge.metrics.counts import Count, Distribution


def test_known_labels_are_there_from_the_start() -> None:
    count = Count(catalogue.ABANDONED, known=[("slack",)])
    count.add("callback")

    assert count.values == {("slack",): 0, ("callback",): 1}


def test_a_value_at_a_bound_belongs_to_its_bucket_and_a_large_one_to_the_last() -> None:
    delays = Distribution(catalogue.DETECTION_DELAY)
    first, *_, last = catalogue.DETECTION_DELAY.buckets
    for value in (0.0, first, last + 1):
        delays.observe(value, "default")

    observed = delays.values["default",]
    assert (observed.buckets[0], observed.buckets[-1], sum(observed.buckets)) == (2, 1, 3)
    assert observed.total == first + last + 1
    assert (delays.count("default"), delays.count("eu")) == (3, 0)
