"""The jobs that arq runs: each rings a shift of this worker and carries nothing. Their names are bridge.queue's."""

import asyncio
from collections.abc import Awaitable
from typing import Any

from bridge.errors import StoreUnavailable
from workers.crew import Crew

Ctx = dict[str, Any]


async def poll_shift(ctx: Ctx) -> None:
    crew: Crew = ctx["crew"]
    await _unless_stopped(crew, asyncio.gather(*(shift.work() for shift in crew.polls.values())))


async def deliver_shift(ctx: Ctx) -> None:
    crew: Crew = ctx["crew"]
    await _unless_stopped(crew, crew.deliveries.work())


async def sweep(ctx: Ctx) -> None:
    crew: Crew = ctx["crew"]
    try:
        await crew.sweep.run()
    except StoreUnavailable:
        return  # the shifts tell of it; the next sweep finds the same


async def _unless_stopped(crew: Crew, work: Awaitable[Any]) -> None:
    """Stay with a shift; when arq stops us (SIGTERM cancels its jobs), let what is under way end first."""
    try:
        await work
    except asyncio.CancelledError:
        await crew.close()
        raise
