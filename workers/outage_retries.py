"""Repeating a step during an outage of the store, sooner than the sweep would."""

import asyncio
from collections.abc import Awaitable, Callable
from time import monotonic

from bridge.errors import StoreUnavailable

PAUSE = 0.5
PATIENCE = 30.0
"""Seconds between two tries, and for all of them."""


async def repeat(step: Callable[[], Awaitable[object]], *, stopping: Callable[[], bool]) -> None:
    """Run a step until it succeeds. Raises StoreUnavailable when the patience is used up, or the worker stops."""
    until = monotonic() + PATIENCE
    while True:
        try:
            await step()
        except StoreUnavailable:
            if stopping() or monotonic() > until:
                raise
            await asyncio.sleep(PAUSE)
        else:
            return
