"""The metrics: their names, meanings and values in the Prometheus text format.

Imported at the first request, because the library takes 1 MB of memory.

Source: https://prometheus.io/docs/instrumenting/exposition_formats/
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TypeAlias

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.registry import Collector

from bridge.domain.rules.push_proof import stretch_of
from bridge.domain.times import SECOND
from bridge.store.stats import StoreStats, WorkspaceStats

__all__ = ["CONTENT_TYPE_LATEST", "render_metrics"]


Counts: TypeAlias = Mapping[tuple[str, str, str], int]
Values: TypeAlias = Iterable[tuple[tuple[str, ...], float]]
"""The values of labels, each with the value that they have together."""


def render_metrics(*, requests: Counts, pushes: Counts, stats: StoreStats | None) -> bytes:
    """Return the metrics.

    This process has counted `requests` by method, route and status, and `pushes` by workspace, event and result.
    `stats` is None without Redis.
    """
    registry = CollectorRegistry()
    registry.register(_Process(requests, pushes))
    registry.register(_Store(stats))
    return generate_latest(registry)


class _Process(Collector):
    """Collects what this process has counted."""

    def __init__(self, requests: Counts, pushes: Counts) -> None:
        self._requests = requests
        self._pushes = pushes

    def collect(self) -> Iterable[Metric]:
        by_route, by_event = ["method", "route", "status"], ["workspace", "event", "result"]
        yield _counter("requests", "Requests answered by this process", by_route, self._requests.items())
        yield _counter(
            "push_requests",
            "Pushes of Rally answered by this process, refused ones too",
            by_event,
            self._pushes.items(),
        )


class _Store(Collector):
    """Collects the statistics of the store, and whether Redis answers."""

    def __init__(self, stats: StoreStats | None) -> None:
        self._stats = stats

    def collect(self) -> Iterable[Metric]:
        yield _gauge("redis_up", "Whether Redis answers", 0 if self._stats is None else 1)
        if self._stats is not None:
            yield from _totals(self._stats)
            yield from _by_workspace(self._stats)
            yield from _of_pushes(self._stats)


def _totals(stats: StoreStats) -> Iterable[Metric]:
    yield _gauge("watches_open", "Watches that have not ended", stats.watching)
    yield _gauge("imports_settling", "Final imports whose watches are not settled yet", stats.settling)
    yield _gauge("lanes_overdue", "Lanes with a delivery that is more than a minute late", stats.lanes_overdue)
    of_rules = [((kind,), number) for kind, number in stats.rules_overdue.items()]
    results = [((rule, each), n) for rule, counts in stats.rule_results.items() for each, n in counts.items()]
    yield _counter("rule_results", "What became of the pushes that a rule covers", ["rule", "result"], results)
    yield _labelled("rules_overdue", "Work for rules that is more than a minute late", ["work"], of_rules)
    by_state = [((state.value,), number) for state, number in stats.deliveries.items()]
    yield _labelled("deliveries", "Stored deliveries", ["state"], by_state)


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
    for gauge, (meaning, value) in gauges.items():
        values = [((name,), value(each)) for name, each in stats.workspaces.items()]
        yield _labelled(gauge, meaning, ["workspace"], values)


def _gauge(name: str, meaning: str, value: float) -> Metric:
    return GaugeMetricFamily(f"rally_bridge_{name}", meaning, value=value)


def _of_pushes(stats: StoreStats) -> Iterable[Metric]:
    """Yield what came of pushes: the age of the last one by event, and what each type of import has shown."""
    now, workspaces = stats.now, stats.pushes.items()
    ages = [((name, event), (now - at) / SECOND) for name, each in workspaces for event, at in each.stats.last.items()]
    yield _labelled("push_age_seconds", "Seconds since the last push", ["workspace", "event"], ages)
    by_type = ["workspace", "type"]
    proofs = [((name, type_), proof) for name, each in workspaces for type_, proof in each.proofs.items()]
    matches, misses = ([(key, getattr(proof, what)) for key, proof in proofs] for what in ("matches", "misses"))
    yield _counter("push_matches", "Ends of imports with a push", by_type, matches)
    yield _counter("push_misses", "Ends of imports without a push, and pushes that failed here", by_type, misses)
    factors = [(key, stretch_of(proof, now).factor) for key, proof in proofs]
    yield _labelled("push_growth", "The factor by which polls are rarer, as pushes are proven", by_type, factors)


def _counter(name: str, meaning: str, labels: Sequence[str], values: Values) -> Metric:
    counter = CounterMetricFamily(f"rally_bridge_{name}", meaning, labels=labels)
    for key, value in values:
        counter.add_metric(key, value)
    return counter


def _labelled(name: str, meaning: str, labels: Sequence[str], values: Values) -> Metric:
    gauge = GaugeMetricFamily(f"rally_bridge_{name}", meaning, labels=labels)
    for key, value in values:
        gauge.add_metric(key, value)
    return gauge
