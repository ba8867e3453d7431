"""The metrics in Prometheus' text form; loaded when somebody asks for them, as its library takes a MB.

Source: https://prometheus.io/docs/instrumenting/exposition_formats/
"""

from collections.abc import Callable, Iterable, Mapping

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.registry import Collector

from bridge.domain.times import SECOND
from bridge.store.stats import StoreStats, WorkspaceStats

__all__ = ["CONTENT_TYPE_LATEST", "in_prometheus_form"]


def in_prometheus_form(answered: Mapping[tuple[str, str, str], int], figures: StoreStats | None) -> bytes:
    """Write the requests answered, by method, route and status, and what was found in the store."""
    registry = CollectorRegistry()
    registry.register(_Answered(answered))
    registry.register(_Found(figures))
    return generate_latest(registry)


class _Answered(Collector):
    """The requests that this process has answered."""

    def __init__(self, answered: Mapping[tuple[str, str, str], int]) -> None:
        self._answered = answered

    def collect(self) -> Iterable[Metric]:
        requests = CounterMetricFamily(
            "rally_bridge_requests", "Requests answered by this process", labels=["method", "route", "status"]
        )
        for labels, number in self._answered.items():
            requests.add_metric(labels, number)
        yield requests


class _Found(Collector):
    """What was found in the store; None when it did not answer."""

    def __init__(self, figures: StoreStats | None) -> None:
        self._figures = figures

    def collect(self) -> Iterable[Metric]:
        up = GaugeMetricFamily("rally_bridge_store_up", "Whether Redis answers")
        up.add_metric([], 0 if self._figures is None else 1)
        yield up
        if self._figures is not None:
            yield from _of_all(self._figures)
            yield from _of_workspaces(self._figures)


def _of_all(figures: StoreStats) -> Iterable[Metric]:
    yield _gauge("watches_open", "Watches that have not ended", figures.watching)
    yield _gauge("imports_settling", "Final imports whose watches are still to be told", figures.settling)
    yield _gauge("lanes_overdue", "Places with a delivery that should have gone a minute ago", figures.lanes_overdue)
    deliveries = GaugeMetricFamily("rally_bridge_deliveries", "Deliveries that are kept", labels=["state"])
    for state, number in figures.deliveries.items():
        deliveries.add_metric([state.value], number)
    yield deliveries


def _of_workspaces(figures: StoreStats) -> Iterable[Metric]:
    told: dict[str, tuple[str, Callable[[WorkspaceStats], float]]] = {
        "imports_polled": ("Imports that are being polled", lambda each: each.polled),
        "imports_overdue": ("Imports that should have been polled a minute ago", lambda each: each.overdue),
        "budget_limit": ("Rally's limit in its window; 0: none is known", lambda each: each.budget.limit or 0),
        "budget_available": ("What is left of it in this window", lambda each: each.budget.available),
        "pause_seconds": (
            "For how long nothing is asked: a 429, a refused key, imports that vanished, or Rally is down",
            lambda each: max(0, each.budget.paused_until - each.now) / SECOND,
        ),
        "key_refused": ("Whether Rally refuses the key", lambda each: each.budget.refused_since is not None),
        "imports_vanished": (
            "Whether Rally shows no imports any more that it showed before",
            lambda each: each.budget.vanished_since is not None,
        ),
        "breaker_open": ("Whether Rally is down, so that only probes are sent", lambda each: each.budget.broken),
    }
    for name, (meaning, value) in told.items():
        gauge = GaugeMetricFamily(f"rally_bridge_{name}", meaning, labels=["workspace"])
        for workspace, each in figures.workspaces.items():
            gauge.add_metric([workspace], value(each))
        yield gauge


def _gauge(name: str, meaning: str, value: float) -> Metric:
    return GaugeMetricFamily(f"rally_bridge_{name}", meaning, value=value)
