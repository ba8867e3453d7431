"""Checks of a Redis that the user runs: it must suit the children, and hold data of the same mode, sandbox or live."""

import asyncio

from redis.asyncio import Redis
from redis.exceptions import RedisError

from bridge.cli.errors import CannotStart
from bridge.domain.secret import Secret
from bridge.domain.sentinel_urls import WITHOUT_LOGIN, SentinelLogin
from bridge.redis.errors import in_words
from bridge.redis.pool import Pool
from bridge.resources import open_resources
from bridge.settings import Settings
from bridge.startup import check_store

MARK = "rb:sandbox"


def require_same_mode(url: str, login: SentinelLogin = WITHOUT_LOGIN, *, sandbox: bool) -> None:
    """Raise CannotStart if the Redis holds the other mode's data.

    A live worker would poll the real Rally for the sandbox's imports, and the sandbox would answer 404 for real ones.
    """
    try:
        pool = Pool(Secret(url), login=login, decode_responses=True)
    except Exception as error:  # redis-py raises ValueError, TypeError and others for a URL
        if sandbox:
            raise CannotStart("REDIS_URL is not a URL that the sandbox can use.") from error
        return  # `check` reports it
    try:
        asyncio.run(_require_same_mode(pool, sandbox=sandbox))
    except (RedisError, OSError) as error:
        raise CannotStart(f"The Redis at REDIS_URL can't be used: {in_words(error)}.") from error


async def check(settings: Settings) -> None:
    """Raise SettingsError as `serve` and `worker` would: Redis may evict watches, or holds data that we can't read."""
    async with open_resources(settings) as resources:
        await check_store(resources)


async def _require_same_mode(pool: Pool, *, sandbox: bool) -> None:
    async with Redis.from_pool(pool) as redis:
        marked = bool(await redis.exists(MARK))
        if marked and not sandbox:
            raise CannotStart(
                "The Redis at REDIS_URL holds a sandbox's data. Use another, or empty that database first."
            )
        if sandbox and not marked and await redis.dbsize():
            raise CannotStart(
                "The Redis at REDIS_URL holds other data, which the sandbox must not be mixed with."
                " Unset REDIS_URL, or name an empty database of it (…/1)."
            )
        if sandbox:
            await redis.set(MARK, "1")
