"""A Redis that the user runs: `up` refuses one that its children would, and one of the other kind, sandbox or live."""

import asyncio

from redis.asyncio import Redis
from redis.exceptions import RedisError

from bridge.cli.errors import CannotStart
from bridge.domain.secret import Secret
from bridge.redis.errors import in_words
from bridge.redis.pool import Pool
from bridge.resources import open_resources
from bridge.settings import Settings
from bridge.startup import check_store

MARK = "rb:sandbox"


def keep_apart(url: str, *, sandbox: bool) -> None:
    """Raise CannotStart when the Redis holds the other kind's data.

    A live worker would ask the real Rally about the sandbox's imports, and the sandbox would know none of the real
    ones, so that real watches would end as not found.
    """
    try:
        pool = Pool(Secret(url), decode_responses=True)
    except Exception as error:  # of redis-py, for a URL: ValueError, TypeError, its own and others
        if sandbox:
            raise CannotStart("REDIS_URL is not an address that the sandbox can use.") from error
        return  # a form that only the bridge itself knows; it says so itself if it does not
    try:
        asyncio.run(_keep_apart(pool, sandbox=sandbox))
    except (RedisError, OSError) as error:
        raise CannotStart(f"The Redis at REDIS_URL can't be used: {in_words(error)}.") from error


async def check(settings: Settings) -> None:
    """Raise SettingsError where `serve` and `worker` would: Redis drops watches, or has data that we can't read."""
    async with open_resources(settings) as resources:
        await check_store(resources)


async def _keep_apart(pool: Pool, *, sandbox: bool) -> None:
    async with Redis.from_pool(pool) as redis:
        marked = bool(await redis.exists(MARK))
        if marked and not sandbox:
            raise CannotStart(
                "The Redis at REDIS_URL holds a sandbox's data. Use another, or empty that database first."
            )
        if sandbox and not marked and await redis.dbsize():
            raise CannotStart(
                "The Redis at REDIS_URL holds other data, which the sandbox must not mix with."
                " Unset REDIS_URL, or name an empty database of it (…/1)."
            )
        if sandbox:
            await redis.set(MARK, "1")
