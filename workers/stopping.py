"""Stopping: arq cancels its main task once, on SIGTERM, and that may not be enough."""

import asyncio
from typing import Any

LOOK = 1.0
"""Seconds between two looks whether the task ended when it was told to."""
TURNS = 10
"""Turns of the event loop for which a task must stay cancelled to count as one that was told to stop."""


async def insist(main: asyncio.Task[Any] | None, *, look: float = LOOK) -> None:
    """Cancel a task again for as long as it was cancelled and goes on.

    Up to Python 3.11 asyncio.wait_for, through which redis-py sends each command, may swallow a cancellation
    (https://github.com/python/cpython/issues/86296), and arq would look at its queue for ever. Seen under load, in
    about one stop of five.
    """
    while main is not None:
        await asyncio.sleep(look)
        if await was_told_to_stop(main):
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
