"""The jobs that arq runs: each rings a shift of this worker and carries nothing. Their names are bridge.queue's."""

import asyncio
from collections.abc import Awaitable
from typing import Any

from bridge.errors import StoreUnavailable
from workers.crew import Crew
from workers.stopping import was_told_to_stop

Ctx = dict[str, Any]


async def poll_shift(ctx: Ctx) -> None:
    crew: Crew = ctx["crew"]
    await _unless_stopped(ctx, asyncio.gather(*(shift.work() for shift in crew.polls.values())))


async def deliver_shift(ctx: Ctx) -> None:
    crew: Crew = ctx["crew"]
    await _unless_stopped(ctx, crew.deliveries.work())


async def sweep(ctx: Ctx) -> None:
    crew: Crew = ctx["crew"]
    try:
        await crew.sweep.run()
    except StoreUnavailable:
        return  # the shifts tell of it; the next sweep finds the same


async def _unless_stopped(ctx: Ctx, work: Awaitable[Any]) -> None:
    """Stay with a shift; when arq stops us (SIGTERM cancels its jobs), let what is under way end first.

    arq also cancels a job that was here for too long, as it is after a minute in which the whole machine stood still:
    then the crew has to go on.
    """
    crew: Crew = ctx["crew"]
    try:
        await work
    except asyncio.CancelledError:
        if await was_told_to_stop(ctx["main"]):
            await crew.close()
        raise
