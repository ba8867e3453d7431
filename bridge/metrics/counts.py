"""Counts of one process, by labels: cheap to change, and read when somebody asks for the metrics.

prometheus_client has the same, but an import of it takes 1 MB of each process and each change 1.5 µs.
"""

from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import dataclass

from bridge.metrics.metric import Metric

Labels = tuple[str, ...]


class Count:
    """A number that only grows."""

    def __init__(self, metric: Metric, *, known: Iterable[Labels] = ()) -> None:
        """`known` are labels that are shown from the start: a rate can't see the step from nothing to 1."""
        self.metric = metric
        self.values: dict[Labels, float] = dict.fromkeys(known, 0.0)

    def add(self, *labels: str) -> None:
        self.values[labels] = self.values.get(labels, 0.0) + 1

    def of(self, *labels: str) -> float:
        return self.values.get(labels, 0.0)


@dataclass(slots=True)
class Observed:
    """How many values fell into each bucket, the infinite one last; and their sum."""

    buckets: list[int]
    total: float = 0.0


class Distribution:
    """The distribution of values over the buckets of a histogram."""

    def __init__(self, metric: Metric) -> None:
        self.metric = metric
        self.values: dict[Labels, Observed] = {}

    def observe(self, value: float, *labels: str) -> None:
        observed = self.values.get(labels)
        if observed is None:
            observed = self.values[labels] = Observed([0] * (len(self.metric.buckets) + 1))
        observed.buckets[bisect_left(self.metric.buckets, value)] += 1
        observed.total += value

    def count(self, *labels: str) -> int:
        observed = self.values.get(labels)
        return 0 if observed is None else sum(observed.buckets)
