"""The metrics of what Redis holds. Imported at the first request for metrics, like the library of the format."""

from collections.abc import Callable, Iterable, Mapping

from bridge.domain.rules.push_proof import stretch_of
from bridge.domain.times import SECOND
from bridge.metrics import catalogue
from bridge.metrics.counts import Labels
from bridge.metrics.metric import Metric
from bridge.metrics.text import Sampled
from bridge.store.operations.redis_health import RedisHealth
from bridge.store.operations.store_counts import StoreCounts, WorkspaceCounts
from bridge.web.operations.store_report import StoreReport


def sampled(report: StoreReport) -> Iterable[Sampled]:
    """Yield the metrics; without Redis, only that it is down."""
    yield _one(catalogue.REDIS_UP, report.counts is not None)
    if report.counts is not None and report.redis is not None:
        yield _one(catalogue.REDIS_WRITABLE, report.writable)
        yield from _of_redis(report.redis)
        yield _one(catalogue.WORKERS_ALIVE, report.workers_alive)
        yield from _totals(report.counts)
        yield from _by_workspace(report.counts)
        yield from _of_pushes(report.counts)


def _one(metric: Metric, value: float) -> Sampled:
    return Sampled(metric, [((), value)])


def _of_redis(redis: RedisHealth) -> Iterable[Sampled]:
    reported = {
        catalogue.REDIS_MEMORY_USED: redis.memory_used,
        catalogue.REDIS_MEMORY_LIMIT: redis.memory_limit,
        catalogue.REDIS_EVICTED: redis.evicted_keys,
    }
    return (_one(metric, value) for metric, value in reported.items() if value is not None)


def _totals(counts: StoreCounts) -> Iterable[Sampled]:
    yield _one(catalogue.WATCHES_OPEN, counts.watching)
    yield _one(catalogue.IMPORTS_SETTLING, counts.settling)
    yield _one(catalogue.LANES_OVERDUE, counts.lanes_overdue)
    results = [((rule, each), n) for rule, numbers in counts.rule_results.items() for each, n in numbers.items()]
    yield Sampled(catalogue.RULE_RESULTS, results)
    yield Sampled(catalogue.RULES_OVERDUE, [((kind,), number) for kind, number in counts.rules_overdue.items()])
    yield Sampled(catalogue.DELIVERIES, [((state.value,), number) for state, number in counts.deliveries.items()])


_OF_WORKSPACES: Mapping[Metric, Callable[[WorkspaceCounts], float]] = {
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


def _by_workspace(counts: StoreCounts) -> Iterable[Sampled]:
    for metric, value in _OF_WORKSPACES.items():
        yield Sampled(metric, [((name,), value(each)) for name, each in counts.workspaces.items()])


def _of_pushes(counts: StoreCounts) -> Iterable[Sampled]:
    """Yield what came of pushes: the age of the last one by event, and what each type of import has shown."""
    now, workspaces = counts.now, counts.pushes.items()
    ages = [((name, event), (now - at) / SECOND) for name, each in workspaces for event, at in each.counts.last.items()]
    yield Sampled(catalogue.PUSH_AGE, ages)
    proofs = [((name, type_), proof) for name, each in workspaces for type_, proof in each.proofs.items()]
    values: dict[Metric, list[tuple[Labels, float]]] = {
        catalogue.PUSH_MATCHES: [(labels, proof.matches) for labels, proof in proofs],
        catalogue.PUSH_MISSES: [(labels, proof.misses) for labels, proof in proofs],
        catalogue.PUSH_GROWTH: [(labels, stretch_of(proof, now).factor) for labels, proof in proofs],
        catalogue.PUSH_SILENT: [(labels, proof.silent) for labels, proof in proofs],
    }
    yield from (Sampled(metric, samples) for metric, samples in values.items())
