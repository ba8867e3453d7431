"""arq's connection to Redis: it survives outages of Redis. `job_queue.py` has its queue of jobs.

arq is in maintenance only (https://github.com/python-arq/arq/issues/510). Each override names the behaviour of arq 0.28
or redis-py 5.3 that it corrects, the upstream issue, and when it becomes needless.
"""

from contextlib import suppress
from pathlib import Path
from typing import Any, cast

from redis.asyncio.client import Pipeline
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from bridge.domain.secret import Secret
from bridge.domain.sentinel_urls import WITHOUT_LOGIN, SentinelLogin
from bridge.queue.job_queue import QUEUE, JobQueue, deserialize, serialize
from bridge.queue.outage_retries import OutageRetries
from bridge.queue.pipelines import PatientPipeline, StartupInfo
from bridge.redis.pool import Pool


def connect(
    url: Secret, file: Path | None = None, login: SentinelLogin = WITHOUT_LOGIN, *, patience: float = 0.0
) -> "ResilientArqRedis":
    """Open arq's connection; it retries for `patience` seconds while Redis is unavailable or full.

    `file` is the file that the URL was read from, `login` that of the sentinels which it may name.
    """
    retry = Retry(NoBackoff(), 0)  # our own retries replace them
    pool = Pool(url, file, login, health_check_interval=30, retry=retry)
    arq_redis = cast("ResilientArqRedis", ResilientArqRedis.from_pool(pool))
    arq_redis.default_queue_name = QUEUE
    arq_redis.job_serializer = serialize
    arq_redis.job_deserializer = deserialize
    arq_redis.retries = OutageRetries(patience, credentials_may_change=pool.credentials.may_change)
    return arq_redis


class ResilientArqRedis(JobQueue):
    """The Redis client of arq's worker and of the bell.

    Any Redis error ends arq's worker (https://github.com/python-arq/arq/issues/9 and
    https://github.com/python-arq/arq/issues/498, open). Its settings for retries
    (https://github.com/python-arq/arq/issues/386) pass redis-py's, which repeat neither pipelines, nor a refused
    connection (https://github.com/redis/redis-py/issues/3450, open), nor errors that Redis itself replies with.
    Needless once arq's worker survives Redis errors.
    """

    retries: OutageRetries

    async def execute_command(self, *args: Any, **options: Any) -> Any:
        plain = super().execute_command
        return await self.retries.run(lambda: plain(*args, **options), command=str(args[0]))  # type: ignore[no-untyped-call]  # redis-py's

    def pipeline(self, *args: Any, **options: Any) -> Pipeline:
        if self.retries.patience:
            kind = PatientPipeline if options.get("transaction", True) else StartupInfo
            return kind(self, self.retries)
        return super().pipeline(*args, **options)

    async def psetex(self, name: Any, time_ms: Any, value: Any) -> Any:
        """Double the lifetime of a worker's health check key, arq's only use of this command.

        In arq 0.28 it expires one second after it is due to be renewed, so a slow worker would seem dead. No upstream
        issue found.
        """
        return await super().psetex(name, 2 * time_ms, value)

    async def delete(self, *names: Any) -> int:
        """Delete a worker's health check key, arq 0.28's last step; ignore errors, because the key expires anyway.

        arq raises them, and ends with a traceback. No upstream issue found.
        """
        plain = super().execute_command
        with suppress(RedisError, OSError):
            return int(await self.retries.try_once(lambda: plain("DEL", *names)))  # type: ignore[no-untyped-call]  # redis-py's
        return 0

    def hurry(self) -> None:
        """Stop waiting for an outage to end: the worker is shutting down."""
        self.retries.hurry()
