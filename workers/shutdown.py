"""Stopping on a signal: jobs are left to end, and the main task is cancelled until it ends.

arq's own signal handler cancels every job as well, and a job that was cancelled while Redis was away, or while it was
reporting its end, makes arq close with a traceback and leave on_shutdown out.
"""

import asyncio
import signal
from collections.abc import Awaitable, Callable
from typing import Any

LOOK = 1.0
"""Seconds between two looks whether the main task has ended."""
SIGNALS = (signal.SIGTERM, signal.SIGINT)


class Stopping:
    """The end of a worker: begun once, by whichever signal comes first."""

    def __init__(self, main: asyncio.Task[Any], hurry: Callable[[], None], *, look: float = LOOK) -> None:
        """Take arq's main task, and what makes its connection to Redis wait no longer."""
        self._main = main
        self._hurry = hurry
        self._look = look
        self._close: Callable[[], Awaitable[None]] | None = None
        self._tasks: list[asyncio.Task[None]] = []

    def listen(self) -> None:
        """Take the place of arq's own signal handlers."""
        for each in SIGNALS:
            asyncio.get_running_loop().add_signal_handler(each, self.begin)

    def close_first(self, close: Callable[[], Awaitable[None]]) -> None:
        """Have this called when the end begins: it lets the jobs end."""
        self._close = close

    def begin(self) -> None:
        if not self._tasks:
            self._hurry()
            self._tasks = [asyncio.create_task(self._end_main()), asyncio.create_task(self._end_jobs())]

    async def _end_main(self) -> None:
        """Cancel the main task until it ends.

        Up to Python 3.11 asyncio.wait_for, through which redis-py sends each command, may swallow a cancellation
        (https://github.com/python/cpython/issues/86296), and arq would look at its queue for ever.
        """
        while not self._main.done():
            self._main.cancel()
            await asyncio.wait({self._main}, timeout=self._look)

    async def _end_jobs(self) -> None:
        if self._close is not None:
            await self._close()
