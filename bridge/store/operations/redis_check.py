"""Checks whether Redis may be used: it must be no cluster, evict no watches, and hold no data of another layout."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from redis.exceptions import ResponseError

from bridge.domain.notices.eviction import Eviction, eviction_by, eviction_risk
from bridge.redis.errors import translated
from bridge.redis.server import server_of
from bridge.store import keys
from bridge.store.calls.connection import Store
from bridge.store.layout import adopt_layout

KEEP = "Set maxmemory-policy noeviction (REDIS_MAY_EVICT=true lets a trial through)"
CLUSTER = "it is a Redis Cluster, which is not supported. Use one Redis, or replicas with Sentinel"
ASK_POLICY = (("INFO", "memory"), ("CONFIG GET", "maxmemory-policy"))
"""Commands that report the policy. Managed services reject CONFIG, and an ACL may forbid either."""


@dataclass(frozen=True, slots=True)
class RedisCheck:
    """The reason why Redis must not be used, or None; and warnings."""

    problem: str | None = None
    warnings: tuple[str, ...] = ()


async def check_redis(store: Store, *, may_evict: bool) -> RedisCheck:
    """Check Redis; store the version of the key layout in an empty database. Raises StoreUnavailable."""
    if await _is_cluster(store):
        return RedisCheck(CLUSTER)
    policy = await read_policy(store)
    if not may_evict and (problem := eviction_problem(policy)):
        return RedisCheck(problem)
    risk = eviction_risk(policy)
    return RedisCheck(await adopt_layout(store, may_evict=may_evict), () if risk is None else (risk,))


async def _is_cluster(store: Store) -> bool:
    """Ask by HELLO, which every user may call."""
    async with translated():
        try:
            return server_of(await store.redis.execute_command("HELLO")).mode == "cluster"  # type: ignore[no-untyped-call]  # redis-py's
        except ResponseError:
            return False


async def read_policy(store: Store) -> str | None:
    """Return Redis' maxmemory-policy; None if it does not report it. Raises StoreUnavailable."""
    async with translated():
        for question in ASK_POLICY:
            try:
                answer: Mapping[str, Any] = await store.redis.execute_command(*question)  # type: ignore[no-untyped-call]  # redis-py's
            except ResponseError:
                continue  # not permitted, or no such command
            policy = answer.get("maxmemory_policy") or answer.get("maxmemory-policy")
            if policy:
                return str(policy)
    return None


async def note_eviction(store: Store, problem: str | None) -> bool:
    """Store whether Redis may evict watches, for which `problem` is the reason. Return whether that changed.

    Raises StoreUnavailable.
    """
    if problem is None:
        return bool(await store.call("DEL", keys.EVICTS))
    return bool(await store.call("SET", keys.EVICTS, problem, "NX"))


def eviction_problem(policy: str | None) -> str | None:
    """Return why a policy makes Redis unusable, or None."""
    return f"{eviction_risk(policy)}. {KEEP}" if eviction_by(policy) is Eviction.ANYTHING else None
