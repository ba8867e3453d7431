"""A forwarder between the product and its Redis: the one of the fault harness."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from tests.faults.forwarder import Forwarder
from tests.faults.wire import LOOPBACK


@asynccontextmanager
async def forwarding(target: int | str, *, tls: ssl.SSLContext | None = None) -> AsyncIterator[Forwarder]:
    forwarder = Forwarder(target, tls=tls)
    await forwarder.open()
    try:
        yield forwarder
    finally:
        await forwarder.aclose()


def url_of(forwarder: Forwarder) -> str:
    return f"redis://{LOOPBACK}:{forwarder.port}"


async def until(condition: Callable[[], bool]) -> None:
    """Wait until a condition is true; the caller sets the timeout."""
    while not condition():  # noqa: ASYNC110 - neither the product nor Redis has an event for it
        await asyncio.sleep(0.01)
