"""The probe of Redis: a few commands, of which one writes, within a bound of time."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from redis.asyncio import Redis
from redis.exceptions import RedisError, ResponseError

from bridge.cli.doctor import rights
from bridge.cli.doctor.checks_redis import RedisSeen
from bridge.domain.times import SECOND, Moment, Span
from bridge.errors import DecryptionFailed
from bridge.redis.errors import in_words, is_full, is_refusal
from bridge.redis.pool import Pool
from bridge.redis.server import server_of
from bridge.resources import Resources
from bridge.store import keys
from bridge.store.bindings import STORE_KEY

PATIENCE = 10.0
"""Seconds for all of it."""
ROUND_TRIPS = 5
USUAL_PORT = 6379


def local_now() -> Moment:
    """Read this machine's clock; what it is worth is one of the findings."""
    return int(time.time() * SECOND)


@dataclass(frozen=True, slots=True, kw_only=True)
class RedisLook:
    """What was seen of Redis, or why nothing was; and how far this machine's clock is ahead of it."""

    seen: RedisSeen | None = None
    ahead: Span | None = None
    workers: bool = False
    why: str = ""
    refused: bool = False
    """Whether Redis answers and refuses us, so that starting it is not what helps."""


async def look_at_redis(resources: Resources) -> RedisLook:
    try:
        async with asyncio.timeout(PATIENCE):
            return await _seen_of_redis(resources)
    except (RedisError, OSError) as error:  # TimeoutError is one
        return RedisLook(why=in_words(error), refused=is_refusal(error))
    except Exception as error:  # noqa: BLE001 - whatever it was, it must not hide what the others find
        return RedisLook(why=f"the check broke ({type(error).__name__})")


async def _seen_of_redis(resources: Resources) -> RedisLook:
    settings = resources.settings
    # Without the store's retries: what is wrong is to be told as it is.
    async with Redis.from_pool(Pool(settings.redis_url, settings.redis_url_file, decode_responses=True)) as redis:
        return await _asked(redis, resources)


async def _asked(redis: Redis, resources: Resources) -> RedisLook:
    await redis.ping()
    round_trips = [await _took(redis.ping) for _ in range(ROUND_TRIPS)]
    info = await _permitted(redis.info) or {}
    server = server_of(await _permitted(lambda: redis.execute_command("HELLO")), info)  # type: ignore[no-untyped-call]
    refused_write = await _write(redis)
    fsync = await _permitted(lambda: redis.config_get("appendfsync")) or {}
    policy = await _permitted(lambda: redis.config_get("maxmemory-policy")) or {}
    seen = RedisSeen(
        product=server.product,
        version=server.version,
        replica=server.role in {"replica", "slave"},
        cluster=server.mode == "cluster",
        aof=None if "aof_enabled" not in info else bool(info["aof_enabled"]),
        aof_broken=info.get("aof_last_write_status", "ok") != "ok",
        fsync=fsync.get("appendfsync"),
        policy=info.get("maxmemory_policy") or policy.get("maxmemory-policy"),
        limit=int(info.get("maxmemory", 0)),
        used=int(info.get("used_memory", 0)),
        round_trips=round_trips,
        writes_refused=None if refused_write is None else in_words(refused_write),
        full=refused_write is not None and is_full(refused_write),
        rights_refused=await rights.refusals(redis),
        layout=await _layout(redis),
        opens=_opens(resources, await redis.get(keys.SEAL)),
    )
    return RedisLook(seen=seen, ahead=await _ahead(redis), workers=await resources.bell.workers_seen())


async def _took(call: Callable[[], Awaitable[Any]]) -> float:
    began = time.perf_counter()
    await call()
    return (time.perf_counter() - began) * SECOND


async def _permitted(call: Callable[[], Awaitable[Any]]) -> Any:
    """Give what a command answers; None where Redis keeps it to itself, as hosted ones do with CONFIG."""
    try:
        return await call()
    except ResponseError:
        return None


async def _write(redis: Any) -> ResponseError | None:
    """Write what /readyz writes, which is gone in a second; return why Redis refuses, if it does."""
    try:
        await redis.set("rb:check", 1, px=1000)
    except ResponseError as error:
        return error
    return None


async def _layout(redis: Any) -> str | None:
    """Read the version of the stored data: '' where it names none, None where nothing is stored."""
    version = await redis.get(keys.SCHEMA_VERSION)
    if version is None and await redis.exists(*keys.IN_ANY_LAYOUT):
        return ""
    return None if version is None else str(version)


def _opens(resources: Resources, sealed: str | None) -> bool | None:
    if sealed is None:
        return None
    try:
        resources.encryptor.open(sealed, STORE_KEY)
    except DecryptionFailed:
        return False
    return True


async def _ahead(redis: Any) -> Span:
    """Compare the clocks at the middle of a round trip."""
    asked = local_now()
    seconds, microseconds = await redis.time()
    answered = local_now()
    return (asked + answered) // 2 - (int(seconds) * SECOND + int(microseconds) // SECOND)


def place_of(url: str) -> str:
    """Show where Redis is: of its URL neither user nor password nor query."""
    parts = urlsplit(url)
    if parts.scheme == "unix":
        return f"unix://{parts.path}"
    return f"{parts.scheme}://{parts.hostname or 'localhost'}:{parts.port or USUAL_PORT}"
