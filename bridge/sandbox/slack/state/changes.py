"""The number of changes of the workspace, and waiting for the next one."""

import asyncio
from contextlib import suppress


class Changes:
    """Counts changes, and wakes those that wait."""

    def __init__(self) -> None:
        self.count = 0
        self._next = asyncio.Event()

    def note(self) -> None:
        self.count += 1
        self._next.set()
        self._next = asyncio.Event()

    async def wait(self, since: int, seconds: float) -> None:
        """Wait until there was a change since a count, for at most `seconds`."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while self.count == since:
                    await self._next.wait()
