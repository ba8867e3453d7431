"""The jobs that arq runs: after a ring of the bell, and by cron. Each starts a shift of this worker, without data."""

import asyncio
from time import monotonic
from typing import Any

from arq import cron, func

from bridge.errors import StoreUnavailable
from bridge.metrics import process_counts
from bridge.queue import Job
from workers.cron import EVERY_PERIOD
from workers.worker import Worker

JOB_TIMEOUT = 60
"""Seconds after which arq cancels a job. Its mark that the job is in progress lasts ten seconds longer."""
MAX_TRIES = 1_000_000
"""An interrupted job may run again at any time, because it only starts a shift. arq's default for cron jobs is 1."""

Ctx = dict[str, Any]


async def poll_shift(ctx: Ctx) -> None:
    worker: Worker = ctx["worker"]
    shifts = (worker.rules, worker.nudges, worker.wishes, *worker.polls.values())
    await asyncio.gather(*(shift.work() for shift in shifts))


async def deliver_shift(ctx: Ctx) -> None:
    worker: Worker = ctx["worker"]
    shifts = (worker.gate, worker.deliveries, worker.living, worker.end_buttons)
    await asyncio.gather(*(shift.work() for shift in shifts))


async def read_records(ctx: Ctx) -> None:
    worker: Worker = ctx["worker"]
    await worker.record_reads.work()


async def sweep(ctx: Ctx) -> None:
    worker: Worker = ctx["worker"]
    try:
        await worker.heartbeat.send()
        began = monotonic()
        await worker.sweep.run()
        process_counts.shift_round.observe(monotonic() - began, "sweep")
        await worker.figures.record()
    except StoreUnavailable:
        return  # the store has logged it; the next sweep starts over


_FUNCTION_OF = {Job.POLL: poll_shift, Job.DELIVER: deliver_shift, Job.SWEEP: sweep, Job.READ_RECORDS: read_records}

FUNCTIONS = [func(each, name=job.value, keep_result=0, timeout=JOB_TIMEOUT) for job, each in _FUNCTION_OF.items()]
"""The jobs that the bell enqueues."""
CRON_JOBS = [
    cron(
        each,
        name=f"cron:{job.value}",
        second=set(EVERY_PERIOD),
        unique=False,
        keep_result=0,
        timeout=JOB_TIMEOUT,
        max_tries=MAX_TRIES,
    )
    for job, each in _FUNCTION_OF.items()
    if job is not Job.READ_RECORDS
]
"""The same jobs, except for that of requests that wait, on every worker (`unique=False`) each period."""
