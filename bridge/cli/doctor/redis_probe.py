"""The probe of Redis: a few commands, of which one writes, within a bound of time."""

import asyncio
import ssl
import time
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from redis.asyncio import Redis
from redis.exceptions import AuthenticationError, BusyLoadingError, RedisError, ResponseError
from redis.exceptions import TimeoutError as RedisTimeoutError

from bridge.cli.doctor.inside import RedisSeen
from bridge.domain.secret import Secret
from bridge.domain.times import SECOND, Moment, Span
from bridge.errors import SealBroken
from bridge.redis.options import ANSWER_TIMEOUT, CONNECT_TIMEOUT
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


async def look_at_redis(resources: Resources) -> RedisLook:
    try:
        async with asyncio.timeout(PATIENCE):
            return await _seen_of_redis(resources)
    except Exception as error:  # noqa: BLE001 - whatever it was, it must not hide what the others find
        return RedisLook(why=_in_words(error))


def _in_words(error: Exception) -> str:
    """Name the kind of trouble, and keep what Redis itself said; what the client says names addresses."""
    chain = list(_chain(error))
    match error:
        case _ if any(isinstance(each, AuthenticationError) for each in chain):
            return "it refuses the user or the password, or that there is none"
        case ResponseError() | BusyLoadingError():
            return str(error)
        case TimeoutError() | RedisTimeoutError():
            return "no answer in time"
        case _ if any(isinstance(each, ssl.SSLError) for each in chain):
            return "TLS failed"
        case RedisError() | OSError():
            return "no connection"
        case _:
            return f"the check broke ({type(error).__name__})"


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


async def _seen_of_redis(resources: Resources) -> RedisLook:
    async with _connected(resources.settings.redis_url) as redis:
        return await _asked(redis, resources)


def _connected(url: Secret) -> Redis:
    """Connect without the store's retries: with them redis-py asks for ever where a password is missing."""
    redis: Redis = Redis.from_url(
        url.reveal(), decode_responses=True, socket_connect_timeout=CONNECT_TIMEOUT, socket_timeout=ANSWER_TIMEOUT
    )
    return redis


async def _asked(redis: Redis, resources: Resources) -> RedisLook:
    await redis.ping()
    round_trips = [await _took(redis.ping) for _ in range(ROUND_TRIPS)]
    info = await _permitted(redis.info) or {}
    fsync = await _permitted(lambda: redis.config_get("appendfsync")) or {}
    policy = await _permitted(lambda: redis.config_get("maxmemory-policy")) or {}
    seen = RedisSeen(
        version=info.get("redis_version") and str(info["redis_version"]),
        cluster=info.get("redis_mode") == "cluster",
        aof=None if "aof_enabled" not in info else bool(info["aof_enabled"]),
        aof_broken=info.get("aof_last_write_status", "ok") != "ok",
        fsync=fsync.get("appendfsync"),
        policy=info.get("maxmemory_policy") or policy.get("maxmemory-policy"),
        limit=int(info.get("maxmemory", 0)),
        used=int(info.get("used_memory", 0)),
        round_trips=round_trips,
        writes_refused=await _write(redis),
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


async def _write(redis: Any) -> str | None:
    """Write what /readyz writes, which is gone in a second; give what Redis says when it refuses."""
    try:
        await redis.set("rb:check", 1, px=1000)
    except ResponseError as error:
        return str(error)
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
        resources.sealer.open(sealed, STORE_KEY)
    except SealBroken:
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
