"""The metrics of what Redis holds. Imported at the first request for metrics, like the library of the format."""

from collections.abc import Callable, Iterable, Mapping

from bridge.domain.rules.push_proof import stretch_of
from bridge.domain.times import SECOND
from bridge.metrics import catalogue
from bridge.metrics.counts import Labels
from bridge.metrics.metric import Metric
from bridge.metrics.text import Sampled
from bridge.store.operations.redis_health import RedisHealth
from bridge.store.operations.stats import StoreStats, WorkspaceStats
from bridge.web.store_report import StoreReport


def sampled(report: StoreReport) -> Iterable[Sampled]:
    """Yield the metrics; without Redis, only that it is down."""
    yield _one(catalogue.REDIS_UP, report.stats is not None)
    if report.stats is not None and report.redis is not None:
        yield _one(catalogue.REDIS_WRITABLE, report.writable)
        yield from _of_redis(report.redis)
        yield _one(catalogue.WORKERS_ALIVE, report.workers_alive)
        yield from _totals(report.stats)
        yield from _by_workspace(report.stats)
        yield from _of_pushes(report.stats)


def _one(metric: Metric, value: float) -> Sampled:
    return Sampled(metric, [((), value)])


def _of_redis(redis: RedisHealth) -> Iterable[Sampled]:
    reported = {
        catalogue.REDIS_MEMORY_USED: redis.memory_used,
        catalogue.REDIS_MEMORY_LIMIT: redis.memory_limit,
        catalogue.REDIS_EVICTED: redis.evicted_keys,
    }
    return (_one(metric, value) for metric, value in reported.items() if value is not None)


def _totals(stats: StoreStats) -> Iterable[Sampled]:
    yield _one(catalogue.WATCHES_OPEN, stats.watching)
    yield _one(catalogue.IMPORTS_SETTLING, stats.settling)
    yield _one(catalogue.LANES_OVERDUE, stats.lanes_overdue)
    results = [((rule, each), n) for rule, counts in stats.rule_results.items() for each, n in counts.items()]
    yield Sampled(catalogue.RULE_RESULTS, results)
    yield Sampled(catalogue.RULES_OVERDUE, [((kind,), number) for kind, number in stats.rules_overdue.items()])
    yield Sampled(catalogue.DELIVERIES, [((state.value,), number) for state, number in stats.deliveries.items()])


_OF_WORKSPACES: Mapping[Metric, Callable[[WorkspaceStats], float]] = {
    catalogue.IMPORTS_POLLED: lambda each: each.polled,
    catalogue.IMPORTS_OVERDUE: lambda each: each.overdue,
    catalogue.BUDGET_LIMIT: lambda each: each.budget.limit or 0,
    catalogue.BUDGET_AVAILABLE: lambda each: max(0, each.budget.available),
    catalogue.BUDGET_SPENT: lambda each: each.budget.spent if each.budget.window_open(each.now) else 0,
    catalogue.PAUSE_SECONDS: lambda each: max(0, each.budget.paused_until - each.now) / SECOND,
    catalogue.KEY_REFUSED: lambda each: each.budget.key_refused_since is not None,
    catalogue.IMPORTS_VANISHED: lambda each: each.budget.vanished_since is not None,
    catalogue.BREAKER_OPEN: lambda each: each.budget.breaker_open,
}


def _by_workspace(stats: StoreStats) -> Iterable[Sampled]:
    for metric, value in _OF_WORKSPACES.items():
        yield Sampled(metric, [((name,), value(each)) for name, each in stats.workspaces.items()])


def _of_pushes(stats: StoreStats) -> Iterable[Sampled]:
    """Yield what came of pushes: the age of the last one by event, and what each type of import has shown."""
    now, workspaces = stats.now, stats.pushes.items()
    ages = [((name, event), (now - at) / SECOND) for name, each in workspaces for event, at in each.stats.last.items()]
    yield Sampled(catalogue.PUSH_AGE, ages)
    proofs = [((name, type_), proof) for name, each in workspaces for type_, proof in each.proofs.items()]
    values: dict[Metric, list[tuple[Labels, float]]] = {
        catalogue.PUSH_MATCHES: [(labels, proof.matches) for labels, proof in proofs],
        catalogue.PUSH_MISSES: [(labels, proof.misses) for labels, proof in proofs],
        catalogue.PUSH_GROWTH: [(labels, stretch_of(proof, now).factor) for labels, proof in proofs],
        catalogue.PUSH_SILENT: [(labels, proof.silent) for labels, proof in proofs],
    }
    yield from (Sampled(metric, samples) for metric, samples in values.items())
