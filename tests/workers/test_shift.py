"""A shift is a single loop, however often it is started; a worker stops on a signal."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress

import pytest

from bridge.errors import StoreUnavailable
from bridge.queue.shutdown import Shutdown
from tests.support.world import World
from workers import jobs
from workers.shift import Shift

pytestmark = pytest.mark.anyio


class Hanging:
    """Work with one claim whose action never ends."""

    name = "hanging"
    room = 2

    def __init__(self) -> None:
        self.claimed = 0

    async def claim(self, room: int) -> tuple[Sequence[int], float | None]:
        assert room <= self.room
        self.claimed += 1
        return ([1] if self.claimed == 1 else []), None

    async def act(self, claim: int) -> int:
        await asyncio.Event().wait()
        return claim

    def set_aside(self, claim: int, error: Exception) -> int:
        raise AssertionError(claim) from error

    async def commit(self, results: Sequence[int]) -> None:
        raise AssertionError(results)


async def test_only_one_caller_waits_while_some_work_hangs() -> None:
    """Every waiting caller uses one of arq's job slots, which the other shifts need as well."""
    work = Hanging()
    shift = Shift(work, length=600.0)
    first = asyncio.create_task(shift.work())
    await asyncio.sleep(0)

    for _ in range(100):
        await shift.work()

    assert not first.done()
    first.cancel()


async def test_a_caller_waits_no_longer_than_the_length_while_some_work_hangs() -> None:
    shift = Shift(Hanging(), length=0.05)

    await shift.work()

    assert shift.running, "the hanging work is still in progress"
    assert (shift.in_progress, shift.places) == (1, 2)


class Crossing:
    """Work that becomes due, and starts the shift, after a claim in progress has found nothing."""

    name = "crossing"
    room = 2

    def __init__(self) -> None:
        self.shift: Shift[int, int] = Shift(self, length=1.0)
        self.rounds = 0
        self.committed: list[int] = []

    async def claim(self, room: int) -> tuple[Sequence[int], float | None]:
        assert room <= self.room
        self.rounds += 1
        await asyncio.sleep(0)
        if self.rounds == 1:
            self.shift.start()
        return ([7] if self.rounds == 2 else []), None

    async def act(self, claim: int) -> int:
        return claim

    def set_aside(self, claim: int, error: Exception) -> int:
        raise AssertionError(claim) from error

    async def commit(self, results: Sequence[int]) -> None:
        self.committed += results


async def test_a_start_during_the_last_round_causes_another_round() -> None:
    work = Crossing()

    await work.shift.work()

    assert work.committed == [7]
    assert not work.shift.running


class Unwritable:
    """Work with one result that can't be committed."""

    name = "unwritable"
    room = 5

    def __init__(self) -> None:
        self.due = [1, 2, 3]
        self.committed: set[str] = set()

    async def claim(self, room: int) -> tuple[Sequence[int], float | None]:
        assert room <= self.room
        claims, self.due = self.due, []
        return claims, None

    async def act(self, claim: int) -> str:
        return f"did {claim}"

    def set_aside(self, claim: int, error: Exception) -> str:
        return f"postponed {claim}: {type(error).__name__}"

    async def commit(self, results: Sequence[str]) -> None:
        if "did 2" in results:
            raise ZeroDivisionError
        self.committed |= set(results)


async def test_only_the_result_that_fails_to_commit_is_postponed() -> None:
    work = Unwritable()

    await Shift(work, length=1.0).work()

    assert work.committed == {"did 1", "postponed 2: ZeroDivisionError", "did 3"}


class Outage:
    """Work that reads the store in its action; the store is out at first."""

    name = "outage"
    room = 5

    def __init__(self) -> None:
        self.claimed = 0
        self.committed: list[int] = []

    async def claim(self, room: int) -> tuple[Sequence[int], float | None]:
        assert room <= self.room
        self.claimed += 1
        return ([self.claimed] if self.claimed <= 2 else []), (0.0 if self.claimed < 2 else None)

    async def act(self, claim: int) -> int:
        if claim == 1:
            raise StoreUnavailable("Redis is away")
        return claim

    def set_aside(self, claim: int, error: Exception) -> int:
        raise AssertionError(claim) from error

    async def commit(self, results: Sequence[int]) -> None:
        self.committed += results


async def test_a_claim_that_finds_the_store_unavailable_is_left_to_its_lease() -> None:
    work = Outage()

    await Shift(work, length=1.0).work()

    assert work.committed == [2], "an outage is no error of ours, so nothing is set aside for long"


async def test_a_worker_stops_even_if_its_main_task_swallows_a_cancellation() -> None:
    async def swallowing() -> None:
        for _ in range(2):
            with suppress(asyncio.CancelledError):
                await asyncio.Event().wait()
        await asyncio.Event().wait()

    main, hurried, closed = asyncio.create_task(swallowing()), asyncio.Event(), asyncio.Event()
    await asyncio.sleep(0)

    async def close() -> None:
        closed.set()

    shutdown = Shutdown(main, hurried.set, recheck=0.01)
    shutdown.on_begin(close)
    shutdown.begin()
    shutdown.begin()

    async with asyncio.timeout(5):
        await asyncio.wait({main})
        await asyncio.gather(hurried.wait(), closed.wait())
    assert main.cancelled()


async def test_a_shift_goes_on_when_arq_cancels_a_job_that_took_too_long(world: World) -> None:
    """As after a minute in which the machine was suspended."""
    job = asyncio.create_task(jobs.deliver_shift({"worker": world.worker}))
    await asyncio.sleep(0)

    job.cancel()
    await asyncio.wait({job})
    world.worker.deliveries.start()

    assert job.cancelled()
    assert world.worker.deliveries.running
