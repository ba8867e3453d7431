"""A failover loses nothing that was acknowledged, and leaves the old server's connections as they were."""

import asyncio
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from redis.asyncio import Redis
from redis.exceptions import ReadOnlyError

from tests.faults.pair import NAMES, RedisPair
from tests.faults.stage import free_ports

pytestmark = pytest.mark.anyio
PATIENCE = 10.0


@pytest.fixture
async def pair(tmp_path: Path) -> AsyncIterator[RedisPair]:
    pair = RedisPair(tmp_path, free_ports(len(NAMES)))
    await pair.forwarder.open()
    for program in pair.programs.values():
        program.start()
    async with asyncio.timeout(PATIENCE):
        while not await pair.answers():  # noqa: ASYNC110 - Redis does not signal that it has started
            await asyncio.sleep(0.05)
    yield pair
    for program in pair.programs.values():
        program.signal(signal.SIGKILL)
    for program in pair.programs.values():
        assert await program.ended(PATIENCE)
    await pair.forwarder.aclose()


async def test_after_a_failover_only_new_connections_can_write_and_nothing_is_lost(pair: RedisPair) -> None:
    async with Redis.from_url(pair.url, single_connection_client=True, decode_responses=True) as old:
        for turn in range(3):
            await old.set(f"kept {turn}", turn)
            assert await pair.fail_over() is not None, pair.notes

            with pytest.raises(ReadOnlyError):
                await old.set("refused", 1)
            async with Redis.from_url(pair.url, decode_responses=True) as new:
                assert await new.get(f"kept {turn}") == str(turn)
                await new.set("taken", turn)
            await old.connection.disconnect()
    assert pair.notes == []
