"""A shift: claim what is due, do it concurrently, commit. Polls and deliveries have the same."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from time import monotonic
from typing import Generic, Protocol, TypeVar

import structlog

from bridge.errors import StoreUnavailable

BREATH = 0.01
"""Seconds between two looks while work is under way: what ends meanwhile is committed together."""
OUTAGE_PAUSE = 0.5
"""Seconds between two tries while the store is out."""
DRAIN = 10.0
"""Seconds that what is under way has to end when the worker is stopped."""

log = structlog.get_logger()

ClaimT = TypeVar("ClaimT")
ResultT = TypeVar("ResultT")


class Work(Protocol[ClaimT, ResultT]):
    """The three steps of a kind of shift."""

    name: str

    @property
    def room(self) -> int:
        """How much may be under way at once in this worker."""
        ...

    async def claim(self, room: int) -> tuple[Sequence[ClaimT], float | None]:
        """Take what is due, at most `room`; and say in how many seconds to look again (None: nothing is waiting)."""
        ...

    async def act(self, claim: ClaimT) -> ResultT:
        """Do the one thing that takes time; never raises for what the outside world does."""
        ...

    def poisoned(self, claim: ClaimT, error: Exception) -> ResultT:
        """Say what becomes of a claim over which our own code tripped."""
        ...

    async def commit(self, results: Sequence[ResultT]) -> None:
        """Write what came of it; may be called again with the same results after StoreUnavailable."""
        ...


class Shift(Generic[ClaimT, ResultT]):
    """One worker's loop over one kind of work. It goes on while it is asked for, and while something is under way."""

    def __init__(self, work: Work[ClaimT, ResultT], *, length: float) -> None:
        """Take the work, and for how many seconds the loop goes on after it was last asked for."""
        self._work = work
        self._length = length
        self._until = 0.0
        self._stayed_with_until = 0.0
        self._closing = False
        self._bell = asyncio.Event()
        self._rung = asyncio.Event()
        """Set by `ring` alone: there is new work, which does not wait for what is under way."""
        self._loop: asyncio.Task[None] | None = None
        self._under_way: set[asyncio.Task[None]] = set()
        self._done: list[tuple[ClaimT, ResultT]] = []

    def ring(self) -> None:
        """Have the loop look now: start it, or wake it, and keep it on for its length."""
        self._until = monotonic() + self._length
        self._rung.set()
        self._bell.set()
        if not self._closing and not self.on:
            self._loop = asyncio.create_task(self._run(), name=self._work.name)

    def look(self) -> None:
        """Have a loop that is on look now: there may be room for more."""
        self._bell.set()

    @property
    def on(self) -> bool:
        return self._loop is not None and not self._loop.done()

    async def work(self) -> None:
        """Ring, and stay until the loop ends or its length is over; the loop's own fault is raised here.

        Only one stays for the first half of it. However often it is rung for while something hangs, no more than two
        are here at once: whoever calls has only so much room.
        """
        self.ring()
        if self._loop is None or self._stayed_with_until - monotonic() > self._length / 2:
            return
        self._stayed_with_until = monotonic() + self._length
        try:
            ended, _ = await asyncio.wait({self._loop}, timeout=self._length)
        finally:
            self._stayed_with_until = 0.0
        for loop in ended:
            loop.result()

    async def close(self) -> None:
        """Claim nothing more, and let what is under way end and be committed, for a bounded time."""
        self._closing = True
        self._bell.set()
        if self._loop is not None:
            await asyncio.wait({self._loop}, timeout=DRAIN)

    async def _run(self) -> None:
        while True:
            self._bell.clear()
            self._rung.clear()
            began = monotonic()
            look_again = await self._step()
            # Who rang while we looked may have come too late for that look: nobody else would wake us.
            nothing_to_come = look_again is None and not self._bell.is_set()
            if not self._under_way and not self._done and (nothing_to_come or self._closing):
                return
            await self._pause(look_again)
            if self._under_way:
                await _heard(self._rung, max(0.0, began + BREATH - monotonic()))

    async def _step(self) -> float | None:
        """Commit what is done, claim what is due; give the seconds until the next look, None for no need to."""
        try:
            await self._commit()
            look_again = await self._claim()
        except StoreUnavailable:
            return OUTAGE_PAUSE  # the store tells of it, once
        return look_again

    async def _commit(self) -> None:
        if self._done:
            done = self._done
            self._done = []
            try:
                await self._work.commit([result for _, result in done])
            except StoreUnavailable:
                self._done = done + self._done
                raise
            except Exception:  # noqa: BLE001 - a bug of ours: one by one it's seen over whose, and told
                for claim, result in done:
                    await self._commit_alone(claim, result)

    async def _commit_alone(self, claim: ClaimT, result: ResultT) -> None:
        try:
            await self._work.commit([result])
        except StoreUnavailable:
            self._done.append((claim, result))
        except Exception as error:
            log.error("shift.failed", shift=self._work.name, exc_info=error)  # noqa: TRY400 - same line, with facts
            await self._work.commit([self._work.poisoned(claim, error)])

    async def _claim(self) -> float | None:
        left = self._until - monotonic()
        room = self._work.room - len(self._under_way)
        if self._closing or left <= 0 or room <= 0:
            return None
        claims, look_again = await self._work.claim(room)
        for claim in claims:
            task = asyncio.create_task(self._act(claim))
            self._under_way.add(task)
            task.add_done_callback(self._acted)
        return look_again if look_again is not None and look_again < left else None

    async def _act(self, claim: ClaimT) -> None:
        try:
            result = await self._work.act(claim)
        except Exception as error:  # a bug of ours must not hold up the others
            log.error("shift.failed", shift=self._work.name, exc_info=error)  # noqa: TRY400 - same line, with facts
            result = self._work.poisoned(claim, error)
        self._done.append((claim, result))

    def _acted(self, task: asyncio.Task[None]) -> None:
        self._under_way.discard(task)
        self._bell.set()

    async def _pause(self, seconds: float | None) -> None:
        await _heard(self._bell, seconds)


async def _heard(event: asyncio.Event, seconds: float | None) -> None:
    """Wait for an event, at most so long."""
    with suppress(TimeoutError):
        await asyncio.wait_for(event.wait(), seconds)
