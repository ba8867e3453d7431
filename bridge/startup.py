"""Starting a process: check that Redis is fit for use, and wait for it while it is unavailable."""

import asyncio
from collections.abc import Callable
from time import monotonic, time

import structlog

from bridge.domain.times import SECOND
from bridge.errors import SettingsError, StoreRefused, StoreUnavailable
from bridge.redis.errors import is_final
from bridge.resources import Resources
from bridge.store.operations.redis_check import check_redis
from bridge.store.operations.redis_risks import read_risks
from bridge.store.store_key import store_key

PATIENCE = 60.0
"""Seconds that a starting process, and a worker at any time, waits for Redis. After that it exits."""
PAUSE = 0.5
"""Seconds between two attempts."""

log = structlog.get_logger()


async def check_store(resources: Resources) -> None:
    """Check that Redis keeps what we store and that our keys decrypt it; adopt its key for fingerprints.

    Raises SettingsError when Redis must not be used, StoreUnavailable when it can't be reached.
    """
    checked = await check_redis(resources.store, may_evict=resources.settings.redis_may_evict)
    if checked.problem is not None:
        raise SettingsError([f"REDIS_URL: {checked.problem}"])
    for warning in (*checked.warnings, *await read_risks(resources.store, int(time() * SECOND))):
        log.warning("redis.at_risk", warning=warning)
    resources.fingerprinter.set_key(await store_key(resources.store, resources.encryptor))


async def wait_for_store(resources: Resources, *, stopping: Callable[[], bool] = lambda: False) -> None:
    """Check the store as soon as Redis is available, and log once that we wait.

    Raises the errors of `check_store`. StoreUnavailable is raised at once when waiting can't help or the process is
    stopping, else after PATIENCE.
    """
    began, waiting = monotonic(), False
    while True:
        try:
            return await check_store(resources)
        except StoreUnavailable as error:
            may_change = resources.settings.redis_url_file is not None
            if is_final(error, credentials_may_change=may_change):
                raise StoreRefused(f"REDIS_URL can't be used. {error}") from error
            if stopping():
                raise
            if monotonic() - began > PATIENCE:
                raise StoreUnavailable(f"REDIS_URL did not answer within {PATIENCE:g} s. {error}") from error
            if not waiting:
                log.warning("redis.waiting", error=str(error), patience_s=PATIENCE)
                waiting = True
        await asyncio.sleep(PAUSE)
