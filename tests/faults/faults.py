"""The faults of a run: planned from a seed, injected in several concurrent tracks, and recorded."""

import asyncio
import signal
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from random import Random
from time import monotonic, time

from . import rally as vendor
from . import receivers
from .fleet import APIS, END_PATIENCE, WORKERS
from .history import (
    API_ENDED,
    API_KILLED,
    CROWD_HANGING,
    REDIS_CUT,
    REDIS_DEMOTED,
    REDIS_FULL,
    REDIS_HALF_OPEN,
    REDIS_KILLED,
    REDIS_PAUSED,
    REDIS_RESTARTED,
    SUBSCRIPTION_HALF_OPEN,
    WORKER_ENDED,
    WORKER_KILLED,
    WORKER_STOPPED,
    Fault,
    name_of,
)
from .programs import Program
from .slack_room import SLACK
from .stage import SPARED, Stage

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
    REDIS_DEMOTED: (("redis",), 0.0, 0.0),
    REDIS_HALF_OPEN: (("redis",), 0.0, 0.0),
    SUBSCRIPTION_HALF_OPEN: (("redis",), 0.0, 0.0),
}
"""The targets of each fault of a process, and its seconds: a stop is longer than the lease of a poll."""
LONG_STOPS = ((33.0, 36.0), (64.0, 68.0))
"""Longer than the lease of a delivery; longer than arq's timeout of a job."""
BETWEEN_LONG_STOPS = (5.0, 25.0)
GAP = (0.5, 2.5)
ALONE, FEW = (15.0, 22.0), 3
"""The gap between faults of processes when there are only a few kinds, so that each can show its effect."""
MOOD = (1.5, 5.0)
LASTING: Mapping[str, tuple[float, float]] = {"picky": (8.0, 12.0), "misplaced": (8.0, 12.0)}
"""Moods that need longer to show their effect."""
CROWDED = (10.0, 15.0)
BETWEEN_CROWDS = (3.0, 12.0)
WELL = (3.0, 8.0)
"""Seconds between two moods of Rally: without a healthy phase, nothing can break."""
PEERS_ALONE = 80.0
"""Seconds at the end of a long run with faults only of Rally, receivers and other clients."""
SILENCE = 6.0
"""Seconds at the start in which Rally names no limit."""
KINDS = (
    frozenset(PROCESS_FAULTS)
    | {name_of(mood, "rally") for mood in vendor.MOODS}
    | {name_of(mood, "receiver") for mood in receivers.CALLBACK_MOODS}
    | {CROWD_HANGING}
)
"""The names of all kinds of fault, to which a run may be restricted."""
ON_REQUEST = frozenset({name_of("misplaced", "rally")})
"""Kinds that occur only in a run restricted to them, because nothing is polled for a minute afterwards."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A planned fault: after a pause, for a time."""

    after: float
    kind: str
    target: str
    seconds: float


def plan_processes(chance: Random, kinds: Collection[str]) -> Iterator[Plan]:
    """Yield every kind of fault in random order, endlessly."""
    chosen = sorted(kinds & PROCESS_FAULTS.keys())
    gap = ALONE if len(chosen) <= FEW else GAP
    while chosen:
        for kind in chance.sample(chosen, len(chosen)):
            targets, least, most = PROCESS_FAULTS[kind]
            seconds = chance.uniform(least, most)
            yield Plan(after=chance.uniform(*gap), kind=kind, target=chance.choice(targets), seconds=seconds)


def plan_moods(chance: Random, moods: Sequence[tuple[str, str]], gap: tuple[float, float] = GAP) -> Iterator[Plan]:
    """Yield every (target, mood) in random order, endlessly."""
    while moods:
        for target, mood in chance.sample(moods, len(moods)):
            seconds = chance.uniform(*LASTING.get(mood, MOOD))
            yield Plan(after=chance.uniform(*gap), kind=mood, target=target, seconds=seconds)


def plan_crowds(chance: Random) -> Iterator[Plan]:
    """Yield plans in which all receivers of another client hang at once, endlessly."""
    while True:
        after, seconds = chance.uniform(*BETWEEN_CROWDS), chance.uniform(*CROWDED)
        yield Plan(after=after, kind=CROWD_HANGING, target="crowd", seconds=seconds)


def plan_long_stops(chance: Random, seconds: float) -> Iterator[Plan]:
    """Yield suspensions of workers that outlast leases and timeouts, as far as the run is long enough."""
    least_room = BETWEEN_LONG_STOPS[1]
    lengths = [length for length in LONG_STOPS if length[1] + least_room <= seconds]
    while lengths:
        for length in chance.sample(lengths, len(lengths)):
            after, target = chance.uniform(*BETWEEN_LONG_STOPS), chance.choice(WORKERS)
            yield Plan(after=after, kind=WORKER_STOPPED, target=target, seconds=chance.uniform(*length))


class Storm:
    """Injects the planned faults and ends them."""

    def __init__(self, stage: Stage, seed: int, kinds: frozenset[str] = KINDS) -> None:
        self.faults: list[Fault] = []
        self._stage = stage
        self._fleet = stage.fleet
        self._rally = stage.rally
        self._receivers = {each.name: each for each in (*stage.receivers, *stage.rule_receivers, stage.slack)}
        self._seed = seed
        self._kinds = kinds

    async def rage(self, seconds: float) -> None:
        """Run all tracks for `seconds`, then end the faults in progress.

        At the end of a long run, our processes and Redis have no faults: only there can lateness be judged that
        their faults would excuse.
        """
        until = monotonic() + seconds
        ours_until = until - (PEERS_ALONE if seconds >= 2 * PEERS_ALONE else 0.0)
        async with asyncio.TaskGroup() as tracks:
            for plans in self._plans_for_us(seconds):
                tracks.create_task(self._track(plans, ours_until))
            for plans in self._plans_for_peers():
                tracks.create_task(self._track(plans, until))

    def _plans_for_us(self, seconds: float) -> Iterator[Iterator[Plan]]:
        """Yield the tracks of faults of our processes and Redis; within a track, faults don't overlap."""
        yield plan_processes(self._chance("processes"), self._kinds)
        if WORKER_STOPPED in self._kinds:
            yield plan_long_stops(self._chance("long"), seconds)

    def _plans_for_peers(self) -> Iterator[Iterator[Plan]]:
        """Yield the tracks of faults of Rally, the receivers and other clients."""
        first = Plan(after=0.0, kind="silent", target="rally", seconds=SILENCE)
        moods = self._chosen([("rally", mood) for mood in vendor.MOODS])
        yield chain((first,) * (("rally", "silent") in moods), plan_moods(self._chance("rally"), moods, WELL))
        for half in (0, 1):
            names = sorted(self._receivers.keys() - {SPARED, SLACK})[half::2]
            receiver_moods = self._chosen([(name, mood) for name in names for mood in self._receivers[name].moods])
            yield plan_moods(self._chance(f"receivers {half}"), receiver_moods)
        slack_moods = self._chosen([(SLACK, mood) for mood in self._receivers[SLACK].moods])
        yield plan_moods(self._chance("Slack"), slack_moods)
        if CROWD_HANGING in self._kinds:
            yield plan_crowds(self._chance("crowds"))

    def _chance(self, track: str) -> Random:
        return Random(f"{track} {self._seed}")

    def _chosen(self, moods: Sequence[tuple[str, str]]) -> Sequence[tuple[str, str]]:
        return [(target, mood) for target, mood in moods if name_of(mood, target) in self._kinds]

    async def _track(self, plans: Iterator[Plan], until: float) -> None:
        for plan in plans:
            if monotonic() + plan.after + plan.seconds >= until:
                return
            await asyncio.sleep(plan.after)
            program = self._fleet.program(plan.target)
            if program is None or not program.stopped:
                await self._do(plan)

    async def _do(self, plan: Plan) -> None:
        since: float | None = time()
        match plan.kind:
            case _ if plan.target == "rally":
                self._rally.be(plan.kind)
                await asyncio.sleep(plan.seconds)
                self._rally.be("well")
            case _ if plan.target in self._receivers:
                await self._receivers[plan.target].be(plan.kind)
                await asyncio.sleep(plan.seconds)
                await self._receivers[plan.target].be("well")
            case "crowd hanging":
                await self._stage.crowd.hang(self._fleet.urls[APIS[0]], plan.seconds)
            case _ if plan.target == "redis":
                since = await self._do_to_redis(plan)
            case "worker stopped":
                await self._stop(plan)
            case _:
                await self._end(plan)
        if since is not None:
            self.faults.append(Fault(kind=plan.kind, target=plan.target, since=since, until=time()))

    async def _do_to_redis(self, plan: Plan) -> float | None:
        """Inject a fault of Redis; return since when it has an effect, None for no effect."""
        since, redis = time(), self._fleet.redis
        match plan.kind:
            case "redis paused":
                await self._stop(plan)
            case "redis full":
                await redis.tell("CONFIG", "SET", "maxmemory", "1")
                await asyncio.sleep(plan.seconds)
                await redis.tell("CONFIG", "SET", "maxmemory", "0")
            case "redis cut":
                await redis.tell("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
            case "redis demoted":
                return await redis.fail_over()
            case "redis half-open":
                redis.forwarder.swallow()
            case "redis subscription half-open":
                redis.forwarder.swallow(subscriptions_alone=True)
            case _:
                await self._end(plan)
        return since

    async def _stop(self, plan: Plan) -> None:
        program = self._program(plan)
        program.stopped = True
        program.signal(signal.SIGSTOP)
        await asyncio.sleep(plan.seconds)
        program.signal(signal.SIGCONT)
        program.stopped = False

    async def _end(self, plan: Plan) -> None:
        program = self._program(plan)
        program.held = True
        program.signal(signal.SIGKILL if plan.kind.endswith("killed") else signal.SIGTERM)
        if not await program.ended(END_PATIENCE):
            self._fleet.notes.append(f"{plan.target} did not end within {END_PATIENCE:g} s of SIGTERM, and was killed")
            program.signal(signal.SIGKILL)
        await asyncio.sleep(plan.seconds)
        program.start()
        program.held = False

    def _program(self, plan: Plan) -> Program:
        program = self._fleet.program(plan.target)
        if program is None:
            raise ValueError(f"{plan.target} is no process")
        return program
