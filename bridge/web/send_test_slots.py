"""Places for test messages: how many are under way at once in this process, and how many of one client."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from bridge.errors import Refusal, Refused

PLACES = 48
OF_ONE = PLACES // 4
"""Places of one client, so that its receivers that hang leave the others theirs."""
WAIT = 3.0
"""Seconds that a request waits for a place."""
RETRY_AFTER = 10
"""Seconds, in which a receiver that hangs has used up its time, or half of it."""


class TrialPlaces:
    """The places of this process."""

    def __init__(self, *, places: int = PLACES, of_one: int = OF_ONE, wait: float = WAIT) -> None:
        self._places = places
        self._of_one = of_one
        self._wait = wait
        self._taken: Counter[str] = Counter()
        self._freed = asyncio.Condition()

    @asynccontextmanager
    async def place_of(self, client: str) -> AsyncIterator[None]:
        """Hold a place for a client; raises Refused: 503 when none becomes free in time."""
        try:
            async with asyncio.timeout(self._wait), self._freed:
                await self._freed.wait_for(lambda: self._has_room(client))
                self._taken[client] += 1
        except TimeoutError:
            detail = (
                f"Test messages that still wait for an answer take all places: {self._of_one} of your client, "
                f"{self._places} of all clients."
            )
            raise Refused(Refusal.SERVICE_UNAVAILABLE, detail, headers={"Retry-After": str(RETRY_AFTER)}) from None
        try:
            yield
        finally:
            self._taken[client] -= 1
            self._taken = +self._taken
            async with self._freed:
                self._freed.notify_all()

    def _has_room(self, client: str) -> bool:
        return self._taken[client] < self._of_one and self._taken.total() < self._places
