"""The bell: its connection does not wait for a Redis that rejects writes."""

import pytest
from redis.exceptions import OutOfMemoryError

from bridge.store.calls.connection import Store
from tests.support.queue_connection import connect, troubled

pytestmark = pytest.mark.anyio


async def test_the_bell_does_not_wait_for_redis(redis_url: str, store: Store) -> None:
    arq = connect(redis_url)
    async with troubled(store, "full"):
        with pytest.raises(OutOfMemoryError):
            await arq.enqueue_job("poll_shift")
    await arq.aclose()
