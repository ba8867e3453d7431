"""The probe of Redis, and of what the bridge has stored there about workers, pushes and notices.

It has a time limit. Commands that write use keys that expire within a second.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from redis.asyncio import Redis
from redis.exceptions import RedisError, ResponseError

from bridge.cli.doctor import redis_permissions
from bridge.cli.doctor.checks_messages import LOOKED_AT, Undelivered
from bridge.cli.doctor.checks_redis import RedisReport
from bridge.cli.doctor.checks_redis_restart import may_replay
from bridge.cli.doctor.record_sample import sample_records
from bridge.domain.delivery.deliveries import Delivery, DeliveryState
from bridge.domain.sentinel_urls import sentinel_url
from bridge.domain.times import DAY, SECOND, Moment, Span
from bridge.errors import DecryptionFailed, StoreUnavailable
from bridge.redis.errors import in_words, is_full, is_refusal, lacks_replicas
from bridge.redis.pool import Pool
from bridge.redis.server import server_of
from bridge.resources import Resources
from bridge.store import keys
from bridge.store.bindings import STORE_KEY
from bridge.store.operations.heartbeats import Fleet
from bridge.store.pushes.push_health import PushHealth, read_push_health
from bridge.web.watches.delivery_places import place_of

PATIENCE = 10.0
"""Seconds for the whole probe."""
ROUND_TRIPS = 5
USUAL_PORT = 6379


def local_now() -> Moment:
    """Return the time of this machine's clock, whose accuracy is one of the findings."""
    return int(time.time() * SECOND)


@dataclass(frozen=True, slots=True, kw_only=True)
class RedisProbe:
    """The facts about Redis, or the error; and by how much this machine's clock is ahead."""

    report: RedisReport | None = None
    clock_ahead: Span | None = None
    fleet: Fleet | None = None
    pushes: Mapping[str, PushHealth] = field(default_factory=dict)
    """What came of Rally's pushes, by workspace."""
    messages: tuple[Sequence[Undelivered], Sequence[Undelivered]] | None = None
    """The messages that were abandoned lately, and those that fail; None if Redis refuses to say it."""
    notices_failed: int = 0
    """How many notices to the operator were given up."""
    error: str = ""
    refused: bool = False
    """Whether Redis answers with a refusal, so that starting it would not help."""


async def probe_redis(resources: Resources) -> RedisProbe:
    try:
        async with asyncio.timeout(PATIENCE):
            return await _probe(resources)
    except (RedisError, OSError) as error:  # TimeoutError is one
        return RedisProbe(error=in_words(error), refused=is_refusal(error))
    except Exception as error:  # noqa: BLE001 - whatever it was, it must not hide the other findings
        return RedisProbe(error=f"the check broke ({type(error).__name__})")


async def _probe(resources: Resources) -> RedisProbe:
    settings = resources.settings
    # Without the store's retries, so that the first error is reported.
    async with Redis.from_pool(
        Pool(settings.redis_url, settings.redis_url_file, settings.sentinel_login, decode_responses=True)
    ) as redis:
        return await _run_probe(redis, resources)


async def _run_probe(redis: Redis, resources: Resources) -> RedisProbe:
    await redis.ping()
    round_trips = [await _measure(redis.ping) for _ in range(ROUND_TRIPS)]
    info = await _permitted(redis.info) or {}
    server = server_of(await _permitted(lambda: redis.execute_command("HELLO")), info)  # type: ignore[no-untyped-call]
    refused_write = await _try_write(redis)
    fsync = await _permitted(lambda: redis.config_get("appendfsync")) or {}
    policy = await _permitted(lambda: redis.config_get("maxmemory-policy")) or {}
    report = RedisReport(
        product=server.product,
        version=server.version,
        replica=server.role in {"replica", "slave"},
        cluster=server.mode == "cluster",
        aof=None if "aof_enabled" not in info else bool(info["aof_enabled"]),
        aof_broken=info.get("aof_last_write_status", "ok") != "ok",
        fsync=fsync.get("appendfsync"),
        replicas=None if (replicas := info.get("connected_slaves")) is None else int(replicas),
        required=resources.settings.redis_min_replicas,
        may_replay=await may_replay(redis),
        policy=info.get("maxmemory_policy") or policy.get("maxmemory-policy"),
        limit=int(info.get("maxmemory", 0)),
        used=int(info.get("used_memory", 0)),
        round_trips=round_trips,
        writes_refused=None if refused_write is None else in_words(refused_write),
        full=refused_write is not None and is_full(refused_write),
        too_few_replicas=refused_write is not None and lacks_replicas(refused_write),
        missing_permissions=await redis_permissions.missing_permissions(
            redis, replicated=resources.settings.redis_min_replicas > 0
        ),
        layout=await _layout_version(redis),
        opens=_open_store_key(resources, await redis.get(keys.STORE_KEY)),
        sample=await sample_records(redis, resources),
    )
    return RedisProbe(
        report=report,
        clock_ahead=await _clock_ahead(redis),
        fleet=await _fleet(resources),
        pushes=await _pushes(resources),
        notices_failed=await _notices_failed(resources),
        messages=await _messages(resources) if report.opens else None,
    )


async def _fleet(resources: Resources) -> Fleet | None:
    """Return the workers; None if Redis refuses what reading them takes, which another finding names."""
    try:
        return await resources.heartbeats.read()
    except StoreUnavailable:
        return None


async def _messages(resources: Resources) -> tuple[Sequence[Undelivered], Sequence[Undelivered]] | None:
    """Return the messages that were abandoned in the last day and those that fail, the newest first."""
    indexes = resources.indexes
    try:
        now = await resources.store.now()
        ids, _ = await indexes.abandoned_since(now - DAY, until=now, client=None, below=None, limit=LOOKED_AT)
        pending = await indexes.deliveries(client=None, state=DeliveryState.PENDING, below=None, limit=LOOKED_AT)
        abandoned, waiting = await resources.deliveries.many(ids), await resources.deliveries.many(pending)
    except StoreUnavailable:
        return None
    failing = [each for each in waiting if each.failures]
    return [_undelivered(resources, each) for each in abandoned], [_undelivered(resources, each) for each in failing]


def _undelivered(resources: Resources, delivery: Delivery) -> Undelivered:
    return Undelivered(place_of(resources, delivery), delivery.last_reason)


async def _notices_failed(resources: Resources) -> int:
    """Return how many notices to the operator failed; 0 if Redis refuses to say it, which another finding names."""
    try:
        return await resources.notices.failed()
    except StoreUnavailable:
        return 0


async def _pushes(resources: Resources) -> Mapping[str, PushHealth]:
    """Return what came of pushes; nothing if Redis refuses what reading it takes, which another finding names."""
    try:
        return await read_push_health(resources.pushes, resources.push_proofs, resources.settings.workspaces)
    except StoreUnavailable:
        return {}


async def _measure(call: Callable[[], Awaitable[Any]]) -> float:
    began = time.perf_counter()
    await call()
    return (time.perf_counter() - began) * SECOND


async def _permitted(call: Callable[[], Awaitable[Any]]) -> Any:
    """Return the reply to a command; None if Redis refuses it, as hosted ones do with CONFIG."""
    try:
        return await call()
    except ResponseError:
        return None


async def _try_write(redis: Any) -> ResponseError | None:
    """Write the key of /readyz, which expires in a second. Return the refusal, if any."""
    try:
        await redis.set("rb:check", 1, px=1000)
    except ResponseError as error:
        return error
    return None


async def _layout_version(redis: Any) -> str | None:
    """Return the version of the stored data's layout.

    Return "" if there is data without a version, and None if nothing is stored yet.
    """
    version = await redis.get(keys.LAYOUT_MARK)
    if version is None and await redis.exists(*keys.IN_ANY_LAYOUT):
        return ""
    return None if version is None else str(version)


def _open_store_key(resources: Resources, encrypted: str | None) -> bool | None:
    """Return whether the encryption keys decrypt the key of fingerprints, which then is known; None without one."""
    if encrypted is None:
        return None
    try:
        resources.fingerprinter.set_key(resources.encryptor.decrypt(encrypted, STORE_KEY))
    except DecryptionFailed:
        return False
    return True


async def _clock_ahead(redis: Any) -> Span:
    """Compare the clocks at the middle of a round trip."""
    asked = local_now()
    seconds, microseconds = await redis.time()
    answered = local_now()
    return (asked + answered) // 2 - (int(seconds) * SECOND + int(microseconds) // SECOND)


def redis_address(url: str) -> str:
    """Return the URL of Redis without user, password and query."""
    if (named := sentinel_url(url)) is not None:
        return named.described
    parts = urlsplit(url)
    if parts.scheme == "unix":
        return f"unix://{parts.path}"
    return f"{parts.scheme}://{parts.hostname or 'localhost'}:{parts.port or USUAL_PORT}"
