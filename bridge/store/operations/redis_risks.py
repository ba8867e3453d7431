"""What a start warns of: durability, replication, room and the clock of Redis."""

from collections.abc import Mapping

from redis.exceptions import ResponseError

from bridge.domain.notices.redis_risks import clock_risk, durability_risk, replication_risk, room_risk
from bridge.domain.times import Moment
from bridge.redis.errors import translated
from bridge.store.calls.connection import Store
from bridge.store.operations.redis_health import read_redis_health


async def read_risks(store: Store, local_now: Moment) -> list[str]:
    """Return what is at risk, in words; `local_now` is the time of this machine. Raises StoreUnavailable."""
    health = await read_redis_health(store)
    redis_now = await store.now() - store.offset
    found = (
        durability_risk(append_only=health.append_only, append_ok=health.append_ok, fsync=await _fsync(store)),
        replication_risk(health.replicas, store.min_replicas),
        room_risk(health.memory_share),
        clock_risk(local_now - redis_now),
    )
    return [f"Redis: {risk.text}" for risk in found if risk is not None]


async def _fsync(store: Store) -> str | None:
    """Return Redis' appendfsync; None if it does not report it, as managed services."""
    async with translated():
        try:
            found: Mapping[str, str] = await store.redis.config_get("appendfsync")
        except ResponseError:
            return None
    return found.get("appendfsync")
