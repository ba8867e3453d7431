"""The health of Redis, as it reports it itself: memory, evictions, durability and replicas."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from redis.exceptions import ResponseError

from bridge.redis.errors import translated
from bridge.store.calls.connection import Store


@dataclass(frozen=True, slots=True, kw_only=True)
class RedisHealth:
    """What INFO says. A value is None if Redis does not report it."""

    memory_used: int | None = None
    memory_limit: int | None = None
    """Its maxmemory; 0 if it has none."""
    evicted_keys: int | None = None
    append_only: bool | None = None
    """Whether it writes an append-only file."""
    append_ok: bool | None = None
    """Whether its last write to that file succeeded."""
    replicas: int | None = None
    """The number of connected replicas."""

    @property
    def memory_share(self) -> float | None:
        """The used part of its memory; None if it has no limit."""
        if self.memory_used is None or not self.memory_limit:
            return None
        return self.memory_used / self.memory_limit


UNKNOWN = RedisHealth()


async def read_redis_health(store: Store) -> RedisHealth:
    """Return the health; nothing is known if the user may not run INFO. Raises StoreUnavailable."""
    async with translated():
        try:
            return redis_health(await store.redis.execute_command("INFO", "everything"))  # type: ignore[no-untyped-call]  # redis-py's
        except ResponseError:
            return UNKNOWN


def redis_health(info: Mapping[str, Any]) -> RedisHealth:
    """Read the fields of INFO."""
    return RedisHealth(
        memory_used=_number(info, "used_memory"),
        memory_limit=_number(info, "maxmemory"),
        evicted_keys=_number(info, "evicted_keys"),
        append_only=None if (enabled := _number(info, "aof_enabled")) is None else bool(enabled),
        replicas=_number(info, "connected_slaves"),
        append_ok=None if (status := info.get("aof_last_write_status")) is None else status == "ok",
    )


def _number(info: Mapping[str, Any], field: str) -> int | None:
    value = info.get(field)
    return value if isinstance(value, int) else None
