"""arq's connection to Redis: it survives outages, and its jobs are due whatever a worker's clock says.

arq is in maintenance only (https://github.com/python-arq/arq/issues/510). Each override names the behaviour of arq 0.28
or redis-py 5.3 that it corrects, the upstream issue, and when it becomes needless.
"""

import json
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from math import inf
from pathlib import Path
from typing import Any, cast

from arq.connections import ArqRedis
from arq.jobs import Job
from redis.asyncio.client import Pipeline
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from bridge.domain.secret import Secret
from bridge.queue.outages import OutageRetries
from bridge.queue.pipelines import PatientPipeline, StartupInfo
from bridge.redis.pool import Pool

QUEUE = "rb:queue"
WAKEUPS = "rb:wakeups"
"""A list with one element after a job was enqueued, until a worker reads the queue."""
READ_INTERVAL = 1.0
"""Seconds after which a worker reads the queue without a wake-up."""
LONG_AGO = datetime.fromtimestamp(1, UTC)
"""A due time in the past. It is not 0, because arq treats a job with score 0 as missing."""
KEPT = timedelta(days=1)
"""How long a job is kept that no worker takes; arq's default."""


def serialize(job: dict[str, Any]) -> bytes:
    """Return JSON instead of arq's default, pickle: write access to Redis would allow to run code in workers.

    The default stays in arq (https://github.com/python-arq/arq/pull/225, closed).
    """
    return json.dumps(job, default=repr).encode()  # a job's result may be an exception


def deserialize(raw: bytes) -> dict[str, Any]:
    job: dict[str, Any] = json.loads(raw)
    return job


def connect(url: Secret, file: Path | None = None, *, patience: float = 0.0) -> "ResilientArqRedis":
    """Open arq's connection; it retries for `patience` seconds while Redis is unavailable or full.

    `file` is the file that the URL was read from.
    """
    retry = Retry(NoBackoff(), 0)  # our own retries replace them
    pool = Pool(url, file, health_check_interval=30, retry=retry)
    arq_redis = cast("ResilientArqRedis", ResilientArqRedis.from_pool(pool))
    arq_redis.default_queue_name = QUEUE
    arq_redis.job_serializer = serialize
    arq_redis.job_deserializer = deserialize
    arq_redis.retries = OutageRetries(patience, credentials_may_change=pool.credentials.may_change)
    return arq_redis


class ResilientArqRedis(ArqRedis):
    """The Redis client of arq's worker and of the bell.

    Any Redis error ends arq's worker (https://github.com/python-arq/arq/issues/9 and /498, open). Its settings for
    retries (issue 386) pass redis-py's, which repeat neither pipelines, nor a refused connection
    (https://github.com/redis/redis-py/issues/3450, open), nor errors that Redis itself replies with. Needless once
    arq's worker survives Redis errors.
    """

    retries: OutageRetries
    read_interval = READ_INTERVAL

    async def execute_command(self, *args: Any, **options: Any) -> Any:
        plain = super().execute_command
        return await self.retries.run(lambda: plain(*args, **options), command=str(args[0]))  # type: ignore[no-untyped-call]  # redis-py's

    def pipeline(self, *args: Any, **options: Any) -> Pipeline:
        if self.retries.patience:
            kind = PatientPipeline if options.get("transaction", True) else StartupInfo
            return kind(self, self.retries)
        return super().pipeline(*args, **options)

    async def enqueue_job(self, function: str, *args: Any, **options: Any) -> Job | None:
        """Enqueue a job that is due at once, even for a worker whose clock is minutes behind.

        arq 0.28 scores a job by the caller's clock, and a worker takes what is due by its own. A score in the distant
        past is due by every clock; the expiry must then be explicit. Needless once arq uses Redis' TIME. No upstream
        issue found.
        """
        job = await super().enqueue_job(function, *args, **options | {"_defer_until": LONG_AGO, "_expires": KEPT})
        await self._wake_worker()
        return job

    async def _wake_worker(self) -> None:
        """Wake one of the workers that wait in `zrangebyscore`."""
        async with self.pipeline(transaction=True) as pipe:
            pipe.lpush(WAKEUPS, 1)
            pipe.ltrim(WAKEUPS, 0, 0)
            await pipe.execute()

    async def zrangebyscore(self, name: Any, *args: Any, **options: Any) -> Any:
        """Read the queue after a wake-up, or after `read_interval` seconds without one.

        arq 0.28 reads the queue several times a second (`poll_delay`), which costs a few percent of an idle core.
        Needless once arq blocks on the queue (https://github.com/python-arq/arq/issues/404, open).
        """
        if name == QUEUE:
            answer_timeout = float(self.connection_pool.connection_kwargs.get("socket_timeout") or inf)
            await self.execute_command("BLPOP", WAKEUPS, min(self.read_interval, answer_timeout / 2))
        return await super().zrangebyscore(name, *args, **options)

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
