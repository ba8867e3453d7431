"""The metrics: their names, meanings and values in the Prometheus text format.

Imported at the first request, because the library takes 1 MB of memory.

Source: https://prometheus.io/docs/instrumenting/exposition_formats/
"""

from collections.abc import Callable, Iterable, Mapping

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.registry import Collector

from bridge.domain.times import SECOND
from bridge.store.stats import StoreStats, WorkspaceStats

__all__ = ["CONTENT_TYPE_LATEST", "render_metrics"]


def render_metrics(
    answered: Mapping[tuple[str, str, str], int], pushes: Mapping[tuple[str, str, str], int], stats: StoreStats | None
) -> bytes:
    """Return the metrics.

    `answered` counts requests by method, route and status, `pushes` those of Rally by workspace, event and result;
    `stats` is None without Redis.
    """
    registry = CollectorRegistry()
    registry.register(_Requests(answered, pushes))
    registry.register(_Store(stats))
    return generate_latest(registry)


class _Requests(Collector):
    """Collects the requests that this process has answered."""

    def __init__(
        self, answered: Mapping[tuple[str, str, str], int], pushes: Mapping[tuple[str, str, str], int]
    ) -> None:
        self._answered = answered
        self._pushes = pushes

    def collect(self) -> Iterable[Metric]:
        requests = CounterMetricFamily(
            "rally_bridge_requests", "Requests answered by this process", labels=["method", "route", "status"]
        )
        for labels, number in self._answered.items():
            requests.add_metric(labels, number)
        yield requests
        pushes = CounterMetricFamily(
            "rally_bridge_push_requests",
            "Pushes of Rally answered by this process, with those that were refused",
            labels=["workspace", "event", "result"],
        )
        for labels, number in self._pushes.items():
            pushes.add_metric(labels, number)
        yield pushes


class _Store(Collector):
    """Collects the statistics of the store, and whether Redis answers."""

    def __init__(self, stats: StoreStats | None) -> None:
        self._stats = stats

    def collect(self) -> Iterable[Metric]:
        up = GaugeMetricFamily("rally_bridge_redis_up", "Whether Redis answers")
        up.add_metric([], 0 if self._stats is None else 1)
        yield up
        if self._stats is not None:
            yield from _totals(self._stats)
            yield from _by_workspace(self._stats)


def _totals(stats: StoreStats) -> Iterable[Metric]:
    yield _gauge("watches_open", "Watches that have not ended", stats.watching)
    yield _gauge("imports_settling", "Final imports whose watches are not settled yet", stats.settling)
    yield _gauge("lanes_overdue", "Lanes with a delivery that is more than a minute late", stats.lanes_overdue)
    deliveries = GaugeMetricFamily("rally_bridge_deliveries", "Stored deliveries", labels=["state"])
    for state, number in stats.deliveries.items():
        deliveries.add_metric([state.value], number)
    yield deliveries


def _by_workspace(stats: StoreStats) -> Iterable[Metric]:
    gauges: dict[str, tuple[str, Callable[[WorkspaceStats], float]]] = {
        "imports_polled": ("Imports that are being polled", lambda each: each.polled),
        "imports_overdue": ("Imports whose poll is more than a minute late", lambda each: each.overdue),
        "budget_limit": ("Rally's rate limit in the current window; 0 if unknown", lambda each: each.budget.limit or 0),
        "budget_available": ("Requests left in the current window", lambda each: max(0, each.budget.available)),
        "pause_seconds": (
            "Seconds until polling resumes after a 429, a refused key, vanished imports or an outage of Rally",
            lambda each: max(0, each.budget.paused_until - each.now) / SECOND,
        ),
        "key_refused": ("Whether Rally refuses the key", lambda each: each.budget.key_refused_since is not None),
        "imports_vanished": (
            "Whether Rally no longer shows imports that it showed before",
            lambda each: each.budget.vanished_since is not None,
        ),
        "breaker_open": ("Whether Rally is down, so that only probes are sent", lambda each: each.budget.breaker_open),
    }
    for name, (meaning, value) in gauges.items():
        gauge = GaugeMetricFamily(f"rally_bridge_{name}", meaning, labels=["workspace"])
        for workspace, each in stats.workspaces.items():
            gauge.add_metric([workspace], value(each))
        yield gauge


def _gauge(name: str, meaning: str, value: float) -> Metric:
    return GaugeMetricFamily(f"rally_bridge_{name}", meaning, value=value)
