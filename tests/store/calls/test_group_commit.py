"""Group commit: concurrent calls share a round trip, and each gets its own reply."""

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest
from redis.asyncio import Redis

from bridge.errors import StoreUnavailable
from bridge.store.calls.connection import Store
from bridge.store.calls.group_commit import LARGEST_BATCH, GroupCommit
from bridge.store.calls.lua import Call

pytestmark = pytest.mark.anyio
NOW = Call()


class CountingStore(Store):
    """A store that records the number of calls in each round trip."""

    def __init__(self, redis: Redis) -> None:
        super().__init__(redis)
        self.batches: list[int] = []
        self.left = asyncio.Event()

    async def run_each(self, script: str, calls: Sequence[Call], *, replicated: bool = False) -> list[Any]:
        self.batches.append(len(calls))
        self.left.set()
        return await super().run_each(script, calls, replicated=replicated)


@pytest.fixture
def counting(store: Store) -> CountingStore:
    return CountingStore(store.redis)


async def test_a_single_call_is_sent_at_once(counting: CountingStore) -> None:
    group = GroupCommit(counting, "now")

    assert await group.run(NOW) > 0
    assert await group.run(NOW) > 0

    assert counting.batches == [1, 1]


async def test_calls_during_a_round_trip_share_the_next_one_up_to_its_size(counting: CountingStore) -> None:
    group = GroupCommit(counting, "now")
    first = asyncio.create_task(group.run(NOW))
    await counting.left.wait()

    await asyncio.gather(first, *(group.run(NOW) for _ in range(LARGEST_BATCH + 5)))

    assert counting.batches == [1, LARGEST_BATCH, 5]


async def test_a_failing_call_does_not_fail_the_others(counting: CountingStore) -> None:
    await counting.call("SET", "a-string", "x")
    group = GroupCommit(counting, "count_calls")
    args = {"limit": 10, "count": 1}
    calls = [Call(keys={"calls": key}, args=args) for key in ("a-hash", "a-string", "another-hash")]

    answers = await asyncio.gather(*(group.run(call) for call in calls), return_exceptions=True)

    assert [isinstance(answer, StoreUnavailable) for answer in answers] == [False, True, False]
    assert counting.batches == [3]


async def test_a_script_that_redis_has_flushed_is_loaded_again(counting: CountingStore) -> None:
    await counting.call("SCRIPT", "FLUSH")

    assert len(await counting.run_all("now", [NOW, NOW])) == 2


async def test_a_cancelled_call_does_not_cancel_others(counting: CountingStore) -> None:
    group = GroupCommit(counting, "now")
    impatient, patient = asyncio.create_task(group.run(NOW)), asyncio.create_task(group.run(NOW))
    await asyncio.sleep(0)
    impatient.cancel()

    assert await patient > 0
    assert impatient.cancelled() or await asyncio.wait({impatient})


async def test_an_internal_error_reaches_all_callers(counting: CountingStore) -> None:
    group = GroupCommit(counting, "now")
    unheard_of = Call(args={"no_such_name": 1})

    answers = await asyncio.gather(group.run(NOW), group.run(unheard_of), return_exceptions=True)

    assert [type(answer) for answer in answers] == [TypeError, TypeError]
    assert await group.run(NOW) > 0
