"""Keeping arq's cron jobs on schedule after the machine's clock was set back.

arq remembers each job's next run by the clock's time. After a step back it would start nothing until the clock has
caught up, neither the shifts nor the sweep, which detects when Redis' clock has been set back. Needless once arq
compares with a monotonic clock (0.28 does not). No upstream issue found.
"""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from arq.cron import CronJob


async def keep_on_schedule(jobs: Sequence[CronJob], period: float) -> None:
    """Check jobs that run every `period` seconds, for as long as the worker runs."""
    while True:
        await asyncio.sleep(period)
        reschedule(jobs, period, datetime.now(UTC))


def reschedule(jobs: Sequence[CronJob], period: float, now: datetime) -> None:
    """Make arq recompute the next run of each job whose next run is more than two periods ahead."""
    for job in jobs:
        if job.next_run is not None and job.next_run - now > timedelta(seconds=2 * period):
            job.next_run = None
