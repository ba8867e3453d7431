"""The Prometheus text format. Imported at the first request for metrics, because its library takes 1 MB of memory.

Source: https://prometheus.io/docs/instrumenting/exposition_formats/
"""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import accumulate
from typing import TypeAlias, assert_never

from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.core import Metric as Family
from prometheus_client.exposition import generate_latest
from prometheus_client.registry import Collector

from bridge.metrics.counts import Count, Distribution, Labels, Observed
from bridge.metrics.metric import Kind, Metric


@dataclass(frozen=True, slots=True)
class Sampled:
    """The values of a metric at one moment, by labels."""

    metric: Metric
    values: Iterable[tuple[Labels, float]]


Series: TypeAlias = Count | Distribution | Sampled


def render(series: Iterable[Series]) -> bytes:
    """Return the metrics, and those of the process that Prometheus' library knows: CPU, memory, open files."""
    registry = CollectorRegistry()
    registry.register(_Collected(series))
    ProcessCollector(registry=registry)
    return generate_latest(registry)


class _Collected(Collector):
    def __init__(self, series: Iterable[Series]) -> None:
        self._series = tuple(series)

    def collect(self) -> Iterable[Family]:
        return map(_family, self._series)


def _family(series: Series) -> Family:
    match series:
        case Count():
            return _simple(series.metric, series.values.items())
        case Sampled():
            return _simple(series.metric, series.values)
        case Distribution():
            return _histogram(series)
        case _:
            assert_never(series)


def _simple(metric: Metric, values: Iterable[tuple[Labels, float]]) -> Family:
    kind = CounterMetricFamily if metric.kind is Kind.COUNTER else GaugeMetricFamily
    family = kind(metric.family, metric.help, labels=metric.labels)
    for labels, value in values:
        family.add_metric(labels, value)
    return family


def _histogram(distribution: Distribution) -> Family:
    metric = distribution.metric
    family = HistogramMetricFamily(metric.family, metric.help, labels=metric.labels)
    for labels, observed in distribution.values.items():
        family.add_metric(labels, _cumulated(metric, observed), observed.total)
    return family


def _cumulated(metric: Metric, observed: Observed) -> list[tuple[str, float]]:
    bounds = [*(f"{bound:g}" for bound in metric.buckets), "+Inf"]
    return list(zip(bounds, accumulate(observed.buckets), strict=True))
