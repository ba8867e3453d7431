"""A shift: a loop that claims what is due, acts on it concurrently and commits the results.

Polls and deliveries use the same loop.
"""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from time import monotonic
from typing import Generic, Protocol, TypeVar

import structlog

from bridge.errors import StoreUnavailable
from bridge.metrics import process_counts

BATCH_WINDOW = 0.01
"""Seconds between two rounds while work is in progress: results that arrive meanwhile are committed together."""
OUTAGE_PAUSE = 0.5
"""Seconds between two rounds while the store is unavailable."""

log = structlog.get_logger()

ClaimT = TypeVar("ClaimT")
ResultT = TypeVar("ResultT")


class Work(Protocol[ClaimT, ResultT]):
    """The three steps of a kind of shift."""

    name: str

    @property
    def room(self) -> int:
        """The number of claims that this worker may take now."""
        ...

    async def claim(self, room: int) -> tuple[Sequence[ClaimT], float | None]:
        """Claim what is due, at most `room`.

        Returns the claims, and the seconds until the next claim, or None when nothing is waiting.
        """
        ...

    async def act(self, claim: ClaimT) -> ResultT:
        """Do the slow step. It must not raise for any fault of a peer.

        After StoreUnavailable the claim is left as it is: it is due again when its lease ends.
        """
        ...

    def set_aside(self, claim: ClaimT, error: Exception) -> ResultT:
        """Return the result that puts a claim into quarantine, because our own code failed on it."""
        ...

    async def commit(self, results: Sequence[ResultT]) -> None:
        """Write results. After StoreUnavailable it may be called again with the same results."""
        ...


class Shift(Generic[ClaimT, ResultT]):
    """One worker's loop over one kind of work. It runs for a while after each start, and while work is in progress."""

    def __init__(self, work: Work[ClaimT, ResultT], *, length: float) -> None:
        """`length` is the number of seconds for which the loop runs after the last start."""
        self._work = work
        self._label = work.name.partition(":")[0]
        self._length = length
        self._until = 0.0
        self._awaited_until = 0.0
        self._closing = False
        self._wakeup = asyncio.Event()
        self._started = asyncio.Event()
        """The event of a `start`: new work, which need not wait for the work in progress."""
        self._loop: asyncio.Task[None] | None = None
        self._in_progress: set[asyncio.Task[None]] = set()
        self._results: list[tuple[ClaimT, ResultT]] = []

    def start(self) -> None:
        """Start the loop or wake it, and prolong it by its length."""
        self._until = monotonic() + self._length
        self._started.set()
        self._wakeup.set()
        if not self._closing and not self.running:
            self._loop = asyncio.create_task(self._run(), name=self._work.name)

    def wake(self) -> None:
        """Make a running loop claim at once: there may be room for more."""
        self._wakeup.set()

    @property
    def running(self) -> bool:
        """Whether the loop that claims and acts runs: from `start` until it has finished its last claims."""
        return self._loop is not None and not self._loop.done()

    @property
    def in_progress(self) -> int:
        """The number of claims that are acted on."""
        return len(self._in_progress)

    @property
    def places(self) -> int:
        """The number of claims that this worker may have at once."""
        return self._work.room

    async def work(self) -> None:
        """Start, and wait until the loop ends or its length has passed. An error of the loop is raised here.

        arq has a limited number of job slots. At most one caller waits during the first half of the length, so
        repeated calls occupy at most two slots, even while some work hangs.
        """
        self.start()
        if self._loop is None or self._awaited_until - monotonic() > self._length / 2:
            return
        self._awaited_until = monotonic() + self._length
        try:
            ended, _ = await asyncio.wait({self._loop}, timeout=self._length)
        finally:
            self._awaited_until = 0.0
        for loop in ended:
            loop.result()

    async def close(self) -> None:
        """Stop claiming, and wait until the work in progress has ended and is committed."""
        self._closing = True
        self._wakeup.set()
        if self._loop is not None:
            await asyncio.wait({self._loop})

    async def _run(self) -> None:
        while True:
            self._wakeup.clear()
            self._started.clear()
            began = monotonic()
            next_claim = await self._round()
            process_counts.shift_round.observe(monotonic() - began, self._label)
            # A start during the round may have come too late for its claim, and nothing else would wake the loop.
            idle = next_claim is None and not self._wakeup.is_set()
            if not self._in_progress and not self._results and (idle or self._closing):
                return
            await _wait_for(self._wakeup, next_claim)
            if self._in_progress:
                await _wait_for(self._started, max(0.0, began + BATCH_WINDOW - monotonic()))

    async def _round(self) -> float | None:
        """Commit results, then claim what is due; return the seconds until the next claim, None if none is needed."""
        try:
            await self._commit()
            next_claim = await self._claim()
        except StoreUnavailable:
            return OUTAGE_PAUSE  # the store logs an outage once
        return next_claim

    async def _commit(self) -> None:
        if self._results:
            results = self._results
            self._results = []
            try:
                await self._work.commit([result for _, result in results])
            except StoreUnavailable:
                self._results = results + self._results
                raise
            except Exception:  # noqa: BLE001 - our own bug: committing one by one finds and logs the result it is about
                for claim, result in results:
                    await self._commit_alone(claim, result)

    async def _commit_alone(self, claim: ClaimT, result: ResultT) -> None:
        try:
            await self._work.commit([result])
        except StoreUnavailable:
            self._results.append((claim, result))
        except Exception as error:
            log.error("shift.failed", shift=self._work.name, exc_info=error)  # noqa: TRY400 - with fields
            await self._work.commit([self._work.set_aside(claim, error)])

    async def _claim(self) -> float | None:
        left = self._until - monotonic()
        room = self._work.room - len(self._in_progress)
        if self._closing or left <= 0 or room <= 0:
            return None
        claims, next_claim = await self._work.claim(room)
        for claim in claims:
            task = asyncio.create_task(self._act(claim))
            self._in_progress.add(task)
            task.add_done_callback(self._acted)
        return next_claim if next_claim is not None and next_claim < left else None

    async def _act(self, claim: ClaimT) -> None:
        try:
            result = await self._work.act(claim)
        except StoreUnavailable:
            return  # the store logs an outage once
        except Exception as error:  # our own bug, which must not stop the other claims
            log.error("shift.failed", shift=self._work.name, exc_info=error)  # noqa: TRY400 - with fields
            result = self._work.set_aside(claim, error)
        self._results.append((claim, result))

    def _acted(self, task: asyncio.Task[None]) -> None:
        self._in_progress.discard(task)
        self._wakeup.set()


async def _wait_for(event: asyncio.Event, seconds: float | None) -> None:
    """Wait for an event, at most for `seconds`."""
    with suppress(TimeoutError):
        await asyncio.wait_for(event.wait(), seconds)
