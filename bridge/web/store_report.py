"""What Redis holds and how it fares, read for one answer with metrics."""

from dataclasses import dataclass

from bridge.errors import StoreUnavailable
from bridge.resources import Resources
from bridge.store.operations.redis_health import RedisHealth, read_redis_health
from bridge.store.operations.stats import StoreStats, read_stats


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreReport:
    """All that is read; None of it without Redis."""

    stats: StoreStats | None = None
    redis: RedisHealth | None = None
    writable: bool = False
    workers_alive: int = 0


async def read_store(resources: Resources) -> StoreReport:
    """Read everything; empty if Redis is unavailable."""
    try:
        return StoreReport(
            stats=await _stats(resources),
            redis=await read_redis_health(resources.store),
            writable=await _is_writable(resources),
            workers_alive=len((await resources.heartbeats.read()).alive),
        )
    except StoreUnavailable:
        return StoreReport()


async def _stats(resources: Resources) -> StoreStats:
    return await read_stats(
        resources.store,
        resources.budgets,
        resources.pushes,
        resources.push_proofs,
        tuple(resources.rally),
        rules=[rule.name for rule in resources.settings.rules],
    )


async def _is_writable(resources: Resources) -> bool:
    try:
        await resources.store.check()
    except StoreUnavailable:
        return False
    return True
