"""What Redis holds and how it fares, read for one answer with metrics."""

from dataclasses import dataclass

from bridge.errors import StoreUnavailable
from bridge.resources import Resources
from bridge.store.operations.redis_health import RedisHealth, read_redis_health
from bridge.store.operations.store_counts import StoreCounts, read_counts


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreReport:
    """What was read; without Redis, each field has its default."""

    counts: StoreCounts | None = None
    redis: RedisHealth | None = None
    writable: bool = False
    workers_alive: int = 0


async def read_store(resources: Resources) -> StoreReport:
    """Read what the metrics are made of; return an empty report if Redis is unavailable."""
    try:
        return StoreReport(
            counts=await _counts(resources),
            redis=await read_redis_health(resources.store),
            writable=await _is_writable(resources),
            workers_alive=len((await resources.heartbeats.read()).alive),
        )
    except StoreUnavailable:
        return StoreReport()


async def _counts(resources: Resources) -> StoreCounts:
    return await read_counts(
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
