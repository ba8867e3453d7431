"""What is done to everybody while watches come in: planned from a seed, done in several tracks at once, recorded."""

import asyncio
import signal
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from random import Random
from time import monotonic, time

from . import rally as vendor
from .fleet import APIS, END_PATIENCE, WORKERS, Fleet
from .history import (
    API_ENDED,
    API_KILLED,
    REDIS_CUT,
    REDIS_FULL,
    REDIS_KILLED,
    REDIS_PAUSED,
    REDIS_RESTARTED,
    WORKER_ENDED,
    WORKER_KILLED,
    WORKER_STOPPED,
    Fault,
)
from .rally import Rally
from .receivers import Receiver

PROCESS_FAULTS = {
    WORKER_KILLED: (WORKERS, 0.0, 1.5),
    WORKER_ENDED: (WORKERS, 0.0, 0.0),
    WORKER_STOPPED: (WORKERS, 5.0, 8.0),
    API_KILLED: (APIS, 0.0, 1.0),
    API_ENDED: (APIS, 0.0, 0.0),
    REDIS_KILLED: (("redis",), 0.0, 3.0),
    REDIS_RESTARTED: (("redis",), 0.0, 1.0),
    REDIS_PAUSED: (("redis",), 1.0, 8.0),
    REDIS_FULL: (("redis",), 2.0, 5.0),
    REDIS_CUT: (("redis",), 0.0, 0.0),
}
"""Who may be hit by each fault of a process, and for how many seconds: a stop is longer than the lease of a poll."""
LONG_STOPS = ((33.0, 36.0), (64.0, 68.0))
"""Longer than the lease of a delivery; longer than arq gives a job."""
BETWEEN_LONG_STOPS = (5.0, 25.0)
GAP = (0.5, 2.5)
MOOD = (1.5, 5.0)
WELL = (3.0, 8.0)
"""Seconds between two moods of Rally: where there is nothing but faults, nothing is left to be broken."""
SILENCE = 6.0
"""Seconds at the very beginning in which Rally names no limit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A fault to come: after a pause, for a while."""

    after: float
    kind: str
    target: str
    seconds: float


def plan_processes(chance: Random) -> Iterator[Plan]:
    """Give every kind of fault in random order, again and again."""
    while True:
        for kind in chance.sample(sorted(PROCESS_FAULTS), len(PROCESS_FAULTS)):
            targets, least, most = PROCESS_FAULTS[kind]
            seconds = chance.uniform(least, most)
            yield Plan(after=chance.uniform(*GAP), kind=kind, target=chance.choice(targets), seconds=seconds)


def plan_moods(chance: Random, moods: Sequence[tuple[str, str]], gap: tuple[float, float] = GAP) -> Iterator[Plan]:
    """Give every (target, mood) in random order, again and again."""
    while True:
        for target, mood in chance.sample(moods, len(moods)):
            yield Plan(after=chance.uniform(*gap), kind=mood, target=target, seconds=chance.uniform(*MOOD))


def plan_long_stops(chance: Random, seconds: float) -> Iterator[Plan]:
    """Stop workers for so long that whoever waits for them has given them up; as long as the run has room for."""
    least_room = BETWEEN_LONG_STOPS[1]
    lengths = [length for length in LONG_STOPS if length[1] + least_room <= seconds]
    while lengths:
        for length in chance.sample(lengths, len(lengths)):
            after, target = chance.uniform(*BETWEEN_LONG_STOPS), chance.choice(WORKERS)
            yield Plan(after=after, kind=WORKER_STOPPED, target=target, seconds=chance.uniform(*length))


class Storm:
    """Does what is planned, and lifts it."""

    def __init__(self, fleet: Fleet, rally: Rally, receivers: Sequence[Receiver], seed: int) -> None:
        self.faults: list[Fault] = []
        self._fleet = fleet
        self._rally = rally
        self._receivers = {receiver.name: receiver for receiver in receivers}
        self._seed = seed

    async def rage(self, seconds: float) -> None:
        """Run all tracks for so long; what is under way then is lifted first."""
        until = monotonic() + seconds
        first = Plan(after=0.0, kind="silent", target="rally", seconds=SILENCE)
        moods = [("rally", mood) for mood in vendor.MOODS]
        vendors = chain((first,), plan_moods(Random(f"rally {self._seed}"), moods, WELL))
        async with asyncio.TaskGroup() as tracks:
            tracks.create_task(self._track(plan_processes(Random(f"processes {self._seed}")), until))
            tracks.create_task(self._track(vendors, until))
            for half in (0, 1):
                told = [(name, mood) for name in sorted(self._receivers)[half::2] for mood in self._moods(name)]
                tracks.create_task(self._track(plan_moods(Random(f"told {half} {self._seed}"), told), until))
            tracks.create_task(self._track(plan_long_stops(Random(f"long {self._seed}"), seconds), until))

    def _moods(self, name: str) -> Sequence[str]:
        return self._receivers[name].moods

    async def _track(self, plans: Iterator[Plan], until: float) -> None:
        for plan in plans:
            if monotonic() + plan.after + plan.seconds >= until:
                return
            await asyncio.sleep(plan.after)
            if not self._is_stopped(plan.target):
                await self._do(plan)

    async def _do(self, plan: Plan) -> None:
        since = time()
        match plan.kind:
            case _ if plan.target == "rally":
                self._rally.mood = plan.kind
                await asyncio.sleep(plan.seconds)
                self._rally.mood = "well"
            case _ if plan.target in self._receivers:
                await self._receivers[plan.target].be(plan.kind)
                await asyncio.sleep(plan.seconds)
                await self._receivers[plan.target].be("well")
            case "worker stopped" | "redis paused":
                await self._stop(plan)
            case "redis full":
                await self._fleet.tell_redis("CONFIG", "SET", "maxmemory", "1")
                await asyncio.sleep(plan.seconds)
                await self._fleet.tell_redis("CONFIG", "SET", "maxmemory", "0")
            case "redis cut":
                await self._fleet.tell_redis("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
            case kind:
                await self._end(plan, signal.SIGKILL if kind.endswith("killed") else signal.SIGTERM)
        self.faults.append(Fault(kind=plan.kind, target=plan.target, since=since, until=time()))

    def _is_stopped(self, target: str) -> bool:
        return target in self._fleet.programs and self._fleet.programs[target].stopped

    async def _stop(self, plan: Plan) -> None:
        program = self._fleet.programs[plan.target]
        program.stopped = True
        program.signal(signal.SIGSTOP)
        await asyncio.sleep(plan.seconds)
        program.signal(signal.SIGCONT)
        program.stopped = False

    async def _end(self, plan: Plan, number: int) -> None:
        program = self._fleet.programs[plan.target]
        program.held = True
        program.signal(number)
        if not await program.ended(END_PATIENCE):
            self._fleet.notes.append(f"{plan.target} did not end within {END_PATIENCE:g} s of SIGTERM, and was killed")
            program.signal(signal.SIGKILL)
        await asyncio.sleep(plan.seconds)
        program.start()
        program.held = False
