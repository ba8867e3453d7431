"""A file that is touched while this process runs, for health checks that start no program.

It shows only that the event loop is not blocked, so that an outage of Redis restarts no worker.
"""

import asyncio
from pathlib import Path

PERIOD = 5.0
"""Seconds between two updates of the file's modification time."""


async def keep_touching(path: Path) -> None:
    """Touch the file every few seconds, for as long as the process runs. Raises OSError if that is not possible."""
    while True:
        path.touch()  # noqa: ASYNC240 - as short as a system call
        await asyncio.sleep(PERIOD)
