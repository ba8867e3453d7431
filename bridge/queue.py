"""The bell: has a worker start a shift at once. The only module here that knows arq.

Nothing rests on it: a ring that is lost is made good by the next cron run of the same shift.
"""

import asyncio
import json
from enum import StrEnum
from typing import Any

import structlog
from arq.connections import ArqRedis
from arq.constants import health_check_key_suffix
from redis.asyncio.retry import Retry
from redis.backoff import ConstantBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import OutOfMemoryError, RedisError
from redis.exceptions import TimeoutError as RedisTimeoutError

from bridge.domain.secret import Secret

QUEUE = "rb:queue"
QUIET = 0.05
"""Seconds between two rings of one kind by one process: what comes meanwhile is in the shift that starts."""
RETRY_PAUSE = 0.5

log = structlog.get_logger()


class Alarm(StrEnum):
    """The names of arq's jobs: the workers have a function of each name."""

    POLL = "poll_shift"
    DELIVER = "deliver_shift"
    SWEEP = "sweep"


def serialize(job: dict[str, Any]) -> bytes:
    """JSON, never arq's default of pickle: whoever could write to Redis could run code in our workers."""
    return json.dumps(job, default=repr).encode()  # what became of a job may be an exception


def deserialize(raw: bytes) -> dict[str, Any]:
    job: dict[str, Any] = json.loads(raw)
    return job


def connect(url: Secret, *, patience: float = 0.0) -> ArqRedis:
    """Open arq's connection; it asks again for `patience` seconds when Redis is gone or full.

    Built from the URL itself: arq's own RedisSettings would not check the host name of `rediss://`. A refused
    connection is a plain OSError in redis-py; without it among the errors to retry, a restart of Redis ends the worker.
    So does a full Redis, and then what the worker has under way could not be committed any more when there is room.
    """
    retried = [RedisConnectionError, RedisTimeoutError, OSError, *([OutOfMemoryError] if patience else [])]
    arq: ArqRedis = ArqRedis.from_url(
        url.reveal(),
        socket_connect_timeout=2,
        socket_timeout=5,
        health_check_interval=30,
        retry=Retry(ConstantBackoff(RETRY_PAUSE), int(patience / RETRY_PAUSE)),
        retry_on_error=retried,
    )
    arq.default_queue_name = QUEUE
    arq.job_serializer = serialize
    arq.job_deserializer = deserialize
    return arq


class Bell:
    """Ring for shifts without waiting: the caller's own work never depends on it."""

    def __init__(self, url: Secret) -> None:
        self._arq = connect(url)
        self._ringing: dict[Alarm, asyncio.Task[None]] = {}
        self._again: set[Alarm] = set()

    def ring(self, alarm: Alarm) -> None:
        """Have a worker start this shift soon; rings in quick succession become one."""
        if alarm in self._ringing:
            self._again.add(alarm)
        else:
            self._ringing[alarm] = asyncio.create_task(self._ring(alarm))

    async def _ring(self, alarm: Alarm) -> None:
        try:
            await self._arq.enqueue_job(alarm.value)
        except (RedisError, OSError) as error:
            log.warning("bell.unheard", shift=alarm.value, error=type(error).__name__)
        await asyncio.sleep(QUIET)
        del self._ringing[alarm]
        if alarm in self._again:
            self._again.discard(alarm)
            self.ring(alarm)

    async def workers_seen(self) -> bool:
        """Tell whether a worker gave a sign of life within the last seconds: the mark that arq leaves and renews."""
        try:
            return bool(await self._arq.exists(QUEUE + health_check_key_suffix))
        except (RedisError, OSError):
            return False

    async def aclose(self) -> None:
        ringing = list(self._ringing.values())
        for task in ringing:
            task.cancel()
        await asyncio.gather(*ringing, return_exceptions=True)
        await self._arq.aclose()
