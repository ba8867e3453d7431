"""Metrics in Prometheus' text form: this process' requests, and what the store holds at the moment of asking.

No label ever holds an id, a URL or anything else that a client chose: only our own routes, states and workspaces.
Source: https://prometheus.io/docs/instrumenting/exposition_formats/
"""

from collections.abc import Callable, Iterable

from prometheus_client import CollectorRegistry, Counter
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.registry import Collector
from starlette.requests import Request
from starlette.responses import Response

from bridge.domain.times import SECOND
from bridge.errors import StoreUnavailable
from bridge.resources import Resources
from bridge.store.figures import Figures, WorkspaceFigures, read_figures

REQUESTS = CollectorRegistry()
requests_answered = Counter(
    "rally_bridge_requests", "Requests answered by this process", ["method", "route", "status"], registry=REQUESTS
)


class _Found(Collector):
    """What was found in the store; None when it did not answer."""

    def __init__(self, figures: Figures | None) -> None:
        self._figures = figures

    def collect(self) -> Iterable[Metric]:
        up = GaugeMetricFamily("rally_bridge_store_up", "Whether Redis answers")
        up.add_metric([], 0 if self._figures is None else 1)
        yield up
        if self._figures is not None:
            yield from _of_all(self._figures)
            yield from _of_workspaces(self._figures)


async def show(request: Request) -> Response:
    """Give the metrics; without a key, like the health of the process, since they name nobody."""
    resources: Resources = request.app.state.resources
    try:
        figures = await read_figures(resources.store, resources.budgets, tuple(resources.rally))
    except StoreUnavailable:
        figures = None
    found = CollectorRegistry()
    found.register(_Found(figures))
    return Response(generate_latest(REQUESTS) + generate_latest(found), media_type=CONTENT_TYPE_LATEST)


def _of_all(figures: Figures) -> Iterable[Metric]:
    yield _gauge("watches_open", "Watches that have not ended", figures.watching)
    yield _gauge("imports_settling", "Final imports whose watches are still to be told", figures.settling)
    yield _gauge("lanes_overdue", "Places with a delivery that should have gone a minute ago", figures.lanes_overdue)
    deliveries = GaugeMetricFamily("rally_bridge_deliveries", "Deliveries that are kept", labels=["state"])
    for state, number in figures.deliveries.items():
        deliveries.add_metric([state.value], number)
    yield deliveries


def _of_workspaces(figures: Figures) -> Iterable[Metric]:
    told: dict[str, tuple[str, Callable[[WorkspaceFigures], float]]] = {
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
