"""A worker as a whole: how it closes."""

import asyncio
from collections.abc import Awaitable, Callable
from types import SimpleNamespace
from typing import Any

import pytest

from workers.worker import Worker

pytestmark = pytest.mark.anyio


def worker_of(*closing: Callable[[], Awaitable[Any]]) -> Worker:
    """Return a worker with one poll shift for each function, which is called when the shift is closed."""

    async def at_once() -> None: ...

    idle: Any = SimpleNamespace(close=at_once, withdraw=at_once)
    polls: Any = {str(number): SimpleNamespace(close=close) for number, close in enumerate(closing)}
    shifts = dict.fromkeys(
        ("deliveries", "rules", "gate", "living", "end_buttons", "wishes", "nudges", "record_reads"), idle
    )
    return Worker(settler=idle, polls=polls, **shifts, sweep=idle, heartbeat=idle, figures=idle)


async def test_poll_shifts_close_concurrently() -> None:
    both = asyncio.Barrier(2)

    async with asyncio.timeout(5):
        await worker_of(both.wait, both.wait).close(timeout=60)

    assert both.n_waiting == 0


async def test_a_worker_closes_in_time_although_a_shift_hangs() -> None:
    hanging = asyncio.Event()

    async with asyncio.timeout(5):
        await worker_of(hanging.wait).close(timeout=0.01)

    assert not hanging.is_set()
