"""The queue of arq's jobs: a job is due at once by every clock, and wakes a worker that waits for it.

Each override names the behaviour of arq 0.28 that it corrects, the upstream issue, and when it becomes needless.
"""

import json
from datetime import UTC, datetime, timedelta
from math import inf
from typing import Any

from arq.connections import ArqRedis
from arq.jobs import Job

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


class JobQueue(ArqRedis):
    """Enqueues jobs, and reads the queue for arq's worker."""

    read_interval = READ_INTERVAL

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
            await self.execute_command("BLPOP", WAKEUPS, min(self.read_interval, answer_timeout / 2))  # type: ignore[no-untyped-call]  # redis-py's
        return await super().zrangebyscore(name, *args, **options)
