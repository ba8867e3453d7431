"""Stopping: arq cancels its main task and its jobs once, on SIGTERM, and that may not be enough."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from arq.worker import Worker, get_kwargs

from bridge.errors import StoreUnavailable

LOOK = 1.0
"""Seconds between two looks whether the task ended when it was told to."""
TURNS = 10
"""Turns of the event loop for which a task must stay cancelled to count as one that was told to stop."""


def run(settings: type) -> None:
    """Run a worker by its settings, until it is told to stop."""
    named: Any = get_kwargs(settings)  # no mapping of NameErrors, which arq calls it
    Stoppable(**named).run()


class Stoppable(Worker):
    """arq's worker, which ends in order also while Redis is away."""

    async def finish_job(self, *args: Any, **options: Any) -> None:
        """Tell Redis that a job has ended; where it stays away, what was to be taken back there lapses by itself."""
        with suppress(StoreUnavailable):  # main meets it, too; of a job that was cut off nobody would take the error
            await super().finish_job(*args, **options)

    async def close(self) -> None:
        """Close however the jobs end, as while Redis is away: where one is cut off or fails, arq would do no more."""
        await asyncio.gather(*self.tasks.values(), return_exceptions=True)
        self.tasks.clear()
        await super().close()


async def insist(main: asyncio.Task[Any] | None, hurry: Callable[[], None], *, look: float = LOOK) -> None:
    """Once a task was cancelled, or has ended: let nothing wait for Redis, and cancel it again while it goes on.

    Up to Python 3.11 asyncio.wait_for, through which redis-py sends each command, may swallow a cancellation
    (https://github.com/python/cpython/issues/86296), and arq would look at its queue for ever. Seen under load, in
    about one stop of five.
    """
    while main is not None:
        await asyncio.sleep(look)
        if await was_told_to_stop(main):
            hurry()  # or arq would hold on to its jobs' ends for as long as Redis is away
            main.cancel()


async def was_told_to_stop(main: asyncio.Task[Any] | None) -> bool:
    """Tell a stop from a timeout, which also cancels its task, and takes that back in the loop's next turn.

    With every command redis-py looks whether something waits on the connection, under a timeout of nothing: to cancel
    once more in that turn would end the worker, though nobody asked for it.
    """
    for _ in range(TURNS):
        if main is None or not (main.done() or main.cancelling()):
            return False
        await asyncio.sleep(0)
    return True
