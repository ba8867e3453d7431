"""The jobs that arq runs: each rings a shift of this worker and carries nothing. Their names are bridge.queue's."""

import asyncio
from typing import Any

from bridge.errors import StoreUnavailable
from workers.worker import Worker

Ctx = dict[str, Any]


async def poll_shift(ctx: Ctx) -> None:
    worker: Worker = ctx["crew"]
    await asyncio.gather(*(shift.work() for shift in worker.polls.values()))


async def deliver_shift(ctx: Ctx) -> None:
    worker: Worker = ctx["crew"]
    await worker.deliveries.work()


async def sweep(ctx: Ctx) -> None:
    worker: Worker = ctx["crew"]
    try:
        await worker.sweep.run()
    except StoreUnavailable:
        return  # the shifts tell of it; the next sweep finds the same
