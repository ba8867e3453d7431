"""Shutdown on a signal: let the jobs finish, and cancel the main task until it ends.

This replaces arq's signal handler, which cancels every job as well; its `job_completion_wait`
(https://github.com/python-arq/arq/pull/345) waits for them first, but also while Redis is unavailable. If a job is
cancelled while Redis is unavailable, or while it reports its end, arq 0.28 exits with a traceback and doesn't call
on_shutdown. No upstream issue found.
"""

import asyncio
import signal
from collections.abc import Awaitable, Callable
from typing import Any

RECHECK = 1.0
"""Seconds between two cancellations of the main task."""
SIGNALS = (signal.SIGTERM, signal.SIGINT)


class Shutdown:
    """The shutdown of a worker; the first signal begins it, later ones change nothing."""

    def __init__(self, main: asyncio.Task[Any], hurry: Callable[[], None], *, recheck: float = RECHECK) -> None:
        """End `main`, arq's task, at the first signal; `hurry` ends the waiting for a Redis that is unavailable."""
        self._main = main
        self._hurry = hurry
        self._recheck = recheck
        self._close: Callable[[], Awaitable[None]] | None = None
        self._tasks: list[asyncio.Task[None]] = []

    def listen_for_signals(self) -> None:
        """Replace arq's signal handlers."""
        for each in SIGNALS:
            asyncio.get_running_loop().add_signal_handler(each, self.begin)

    def on_begin(self, close: Callable[[], Awaitable[None]]) -> None:
        """Set the function that lets the jobs finish; it is called when the shutdown begins."""
        self._close = close

    def begin(self) -> None:
        """Begin the shutdown, once."""
        if not self._tasks:
            self._hurry()
            self._tasks = [asyncio.create_task(self._ensure_cancelled()), asyncio.create_task(self._finish_jobs())]

    async def _ensure_cancelled(self) -> None:
        """Cancel the main task until it ends.

        Before Python 3.12, asyncio.wait_for, which redis-py uses for each command, may swallow a cancellation
        (https://github.com/python/cpython/issues/86296). arq would then read its queue for ever.
        """
        while not self._main.done():
            self._main.cancel()
            await asyncio.wait({self._main}, timeout=self._recheck)

    async def _finish_jobs(self) -> None:
        if self._close is not None:
            await self._close()
