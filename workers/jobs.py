"""The jobs that arq runs. Each starts a shift of this worker, and carries no data; `bridge.queue` names them."""

import asyncio
from typing import Any

from bridge.errors import StoreUnavailable
from workers.worker import Worker

Ctx = dict[str, Any]


async def poll_shift(ctx: Ctx) -> None:
    worker: Worker = ctx["worker"]
    await asyncio.gather(*(shift.work() for shift in worker.polls.values()))


async def deliver_shift(ctx: Ctx) -> None:
    worker: Worker = ctx["worker"]
    await worker.deliveries.work()


async def sweep(ctx: Ctx) -> None:
    worker: Worker = ctx["worker"]
    try:
        await worker.sweep.run()
    except StoreUnavailable:
        return  # the store has logged it; the next sweep starts over
