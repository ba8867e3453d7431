"""A limit for test messages that are being sent at the same time, in this process and for one client."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from bridge.web.refusals import Refusal, Refused

SLOTS = 48
SLOTS_PER_CLIENT = SLOTS // 4
"""The slots of one client, so that its hanging receivers do not use up those of other clients."""
WAIT = 3.0
"""Seconds that a request waits for a free slot."""
RETRY_AFTER = 10
"""The Retry-After in seconds: by then, a hanging receiver has used up at least half of its timeout."""


class SendTestSlots:
    """The slots of this process."""

    def __init__(self, *, slots: int = SLOTS, per_client: int = SLOTS_PER_CLIENT, wait: float = WAIT) -> None:
        self._slots = slots
        self._per_client = per_client
        self._wait = wait
        self._used: Counter[str] = Counter()
        self._released = asyncio.Condition()

    @asynccontextmanager
    async def acquire(self, client: str) -> AsyncIterator[None]:
        """Use a slot for a client; raise Refused with 503 when none becomes free in time."""
        try:
            async with asyncio.timeout(self._wait), self._released:
                await self._released.wait_for(lambda: self._has_room(client))
                self._used[client] += 1
        except TimeoutError:
            detail = (
                f"Too many test messages are being sent. The limit is {self._per_client} for your client and "
                f"{self._slots} for all clients."
            )
            raise Refused(Refusal.SERVICE_UNAVAILABLE, detail, headers={"Retry-After": str(RETRY_AFTER)}) from None
        try:
            yield
        finally:
            self._used[client] -= 1
            self._used = +self._used
            async with self._released:
                self._released.notify_all()

    def _has_room(self, client: str) -> bool:
        return self._used[client] < self._per_client and self._used.total() < self._slots
