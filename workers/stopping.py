"""Stopping: arq cancels its main task once, on SIGTERM, and that may not be enough."""

import asyncio
from typing import Any

LOOK = 1.0
"""Seconds between two looks whether the task ended when it was told to."""


async def insist(main: asyncio.Task[Any] | None, *, look: float = LOOK) -> None:
    """Cancel a task again for as long as it was cancelled and goes on.

    Up to Python 3.11 asyncio.wait_for, through which redis-py sends each command, may swallow a cancellation
    (https://github.com/python/cpython/issues/86296), and arq would look at its queue for ever. Seen under load, in
    about one stop of five.
    """
    while main is not None:
        await asyncio.sleep(look)
        if main.cancelling():
            main.cancel()
