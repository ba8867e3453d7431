"""A shift is one loop however often it is rung for; and a worker that is told to stop does."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress

import pytest

from tests.support.world import World
from workers import jobs
from workers.shift import Shift
from workers.shutdown import Shutdown

pytestmark = pytest.mark.anyio


class Hanging:
    """Work of which one piece never ends."""

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

    def poisoned(self, claim: int, error: Exception) -> int:
        raise AssertionError(claim) from error

    async def commit(self, results: Sequence[int]) -> None:
        raise AssertionError(results)


async def test_however_often_it_is_rung_for_while_something_hangs_only_one_stays() -> None:
    """Each who stays takes a place among arq's jobs, and the other shifts need them too."""
    work = Hanging()
    shift = Shift(work, length=1.0)
    first = asyncio.create_task(shift.work())
    await asyncio.sleep(0)

    async with asyncio.timeout(0.5):
        for _ in range(100):
            await shift.work()

    assert not first.done()
    await first
    assert shift.running, "what hangs is still under way"


class Crossing:
    """Work that comes, and is rung for, while the loop looks and has already seen that there is none."""

    name = "crossing"
    room = 2

    def __init__(self) -> None:
        self.shift: Shift[int, int] = Shift(self, length=1.0)
        self.looks = 0
        self.committed: list[int] = []

    async def claim(self, room: int) -> tuple[Sequence[int], float | None]:
        assert room <= self.room
        self.looks += 1
        await asyncio.sleep(0)
        if self.looks == 1:
            self.shift.ring()
        return ([7] if self.looks == 2 else []), None

    async def act(self, claim: int) -> int:
        return claim

    def poisoned(self, claim: int, error: Exception) -> int:
        raise AssertionError(claim) from error

    async def commit(self, results: Sequence[int]) -> None:
        self.committed += results


async def test_a_ring_that_crosses_the_last_look_is_heard() -> None:
    work = Crossing()

    await work.shift.work()

    assert work.committed == [7]
    assert not work.shift.running


class Unwritable:
    """Work of which one piece is done well, and can't be committed."""

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

    def poisoned(self, claim: int, error: Exception) -> str:
        return f"put {claim} aside: {type(error).__name__}"

    async def commit(self, results: Sequence[str]) -> None:
        if "did 2" in results:
            raise ZeroDivisionError
        self.committed |= set(results)


async def test_what_our_own_code_trips_over_when_it_is_committed_is_put_aside_alone() -> None:
    work = Unwritable()

    await Shift(work, length=1.0).work()

    assert work.committed == {"did 1", "put 2 aside: ZeroDivisionError", "did 3"}


async def test_a_worker_whose_main_task_swallows_its_cancellation_is_stopped_all_the_same() -> None:
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
    """As after a minute in which the whole machine stood still."""
    job = asyncio.create_task(jobs.deliver_shift({"worker": world.worker}))
    await asyncio.sleep(0)

    job.cancel()
    await asyncio.wait({job})
    world.worker.deliveries.ring()

    assert job.cancelled()
    assert world.worker.deliveries.running
