"""The bell: makes a worker run a job at once.

A lost ring only delays the job: cron runs it every few seconds anyway. Only READ_RECORDS has no cron: who waits for it
rings again.
"""

import asyncio
from enum import StrEnum
from pathlib import Path

import structlog
from redis.exceptions import RedisError

from bridge.domain.secret import Secret
from bridge.domain.sentinel_urls import WITHOUT_LOGIN, SentinelLogin
from bridge.queue.arq_redis import connect
from bridge.redis.errors import in_words

QUIET = 0.05
"""Seconds between two rings of one kind by one process."""

log = structlog.get_logger()


class Job(StrEnum):
    """The names of arq's jobs; the workers have a function for each."""

    POLL = "poll_shift"
    DELIVER = "deliver_shift"
    SWEEP = "sweep"
    READ_RECORDS = "read_records"


class Bell:
    """Enqueues jobs in the background; the caller never waits."""

    def __init__(self, url: Secret, file: Path | None = None, login: SentinelLogin = WITHOUT_LOGIN) -> None:
        self._arq = connect(url, file, login)
        self._ringing: dict[Job, asyncio.Task[None]] = {}
        self._again: set[Job] = set()

    def ring(self, job: Job) -> None:
        """Make a worker run this job soon; rings in quick succession become one."""
        if job in self._ringing:
            self._again.add(job)
        else:
            self._ringing[job] = asyncio.create_task(self._ring(job))

    async def _ring(self, job: Job) -> None:
        try:
            await self._arq.enqueue_job(job.value)
        except (RedisError, OSError) as error:
            log.warning("bell.ring_failed", shift=job.value, error=in_words(error))
        await asyncio.sleep(QUIET)
        del self._ringing[job]
        if job in self._again:
            self._again.discard(job)
            self.ring(job)

    async def aclose(self) -> None:
        ringing = list(self._ringing.values())
        for task in ringing:
            task.cancel()
        await asyncio.gather(*ringing, return_exceptions=True)
        await self._arq.aclose()
