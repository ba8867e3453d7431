"""Cron on a machine whose clock is set back: arq alone would run nothing until it is as late as before.

The shifts and the sweep are started by cron, and it is the sweep that notices when Redis' clock has been set back.
"""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from arq.cron import CronJob


async def keep_hours(jobs: Sequence[CronJob], period: float) -> None:
    """Look after jobs that run every `period` seconds, for ever."""
    while True:
        await asyncio.sleep(period)
        recall(jobs, period, datetime.now(UTC))


def recall(jobs: Sequence[CronJob], period: float, now: datetime) -> None:
    """Have arq schedule those anew whose next run lies further ahead than two periods."""
    for job in jobs:
        if job.next_run is not None and job.next_run - now > timedelta(seconds=2 * period):
            job.next_run = None
