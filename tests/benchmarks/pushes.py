"""Pushes: calls per import and the delay until an end is detected, with pushes that arrive, get lost, or stop.

The same imports are simulated as in `detection`, one after another begins, and the product's own decisions poll them.
What pushes prove is counted by the model that a test compares with the scripts. Each push comes a second after the end.
"""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from heapq import heappop, heappush
from itertools import count
from statistics import fmean
from typing import TypeAlias

from bridge.domain.imports import Read, Reading, Reply
from bridge.domain.polling.poll_results import PollClaim, after_poll
from bridge.domain.rules.push_proof import STRETCHES, PushProof
from bridge.domain.times import HOUR, SECOND, Moment
from tests.benchmarks.detection import IMPORTS, SCHEDULE, durations
from tests.benchmarks.stage import row
from tests.support.push_model import PushModel

SEEDS = 3
BEGIN: Moment = 1_800_000_000_000
GAP = 15 * SECOND
"""The mean time between two imports that begin: 240 an hour, of which about 14 are under way at once."""
PUSHED_AFTER = SECOND
TYPE = "CSV"
PROVEN = PushProof(streak=STRETCHES[0].streak, matches=STRETCHES[0].streak, proven=True)
READING = Reading(import_id="", type=TYPE, status="UPLOADING", person_count=1)

Event: TypeAlias = tuple[Moment, int, str, int, int]
"""When, a number that keeps the order, what (`poll`, `push` or `miss`), which import, and the number of its plan."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Detection:
    """Calls per import, and the delays in seconds."""

    calls: float
    delays: Sequence[float]

    @property
    def mean(self) -> float:
        return fmean(self.delays)

    @property
    def longest(self) -> float:
        return max(self.delays)


@dataclass(slots=True, kw_only=True)
class Simulated:
    """An import: when it begins and ends, and its next poll."""

    begins: Moment
    ends: Moment
    plan: int = 0
    """The number of the valid plan: an event of an earlier one is void."""
    polls: int = 0
    pushed_at: Moment | None = None
    unstretched: Moment | None = None
    """The next poll without what pushes have proven, if it was put off."""
    found: Moment | None = None


@dataclass
class Simulation:
    """All imports of a workspace, and what pushes have proven. `counted` is False if misses are never seen."""

    imports: Sequence[Simulated]
    rng: random.Random
    model: PushModel = field(default_factory=PushModel)
    counted: bool = True
    pushes_until: Moment | None = None
    lost: float = 0.0

    def __post_init__(self) -> None:
        self._events: list[Event] = []
        self._order = count()
        for number, import_ in enumerate(self.imports):
            self._plan(import_.begins, number)
            pushed = import_.ends + PUSHED_AFTER
            if (self.pushes_until is None or pushed < self.pushes_until) and self.rng.random() >= self.lost:
                heappush(self._events, (pushed, next(self._order), "push", number, 0))

    def _plan(self, at: Moment, number: int) -> None:
        """Schedule the next poll of an import; any other poll of it is off."""
        self.imports[number].plan += 1
        heappush(self._events, (at, next(self._order), "poll", number, self.imports[number].plan))

    def run(self) -> Detection:
        while self._events:
            now, _, what, number, plan = heappop(self._events)
            import_ = self.imports[number]
            match what:
                case "poll" if plan == import_.plan and import_.found is None:
                    self._poll(import_, number, now)
                case "push":
                    self._push(import_, number, now)
                case "miss":
                    self._count_misses(now)
        delays = [((each.found or 0) - each.ends) / SECOND for each in self.imports]
        return Detection(calls=sum(each.polls for each in self.imports) / len(self.imports), delays=delays)

    def _poll(self, import_: Simulated, number: int, now: Moment) -> None:
        import_.polls += 1
        final = now >= import_.ends
        claim = PollClaim(
            workspace="default",
            import_id=str(number),
            fence=1,
            first_at=import_.begins,
            due=now,
            tier=0,
            polls=import_.polls,
            reading_digest="",
            faults=0,
            pushed_at=import_.pushed_at,
            proofs=self.model.proofs,
        )
        reading = replace(READING, status="COMPLETED") if final else READING
        reply = Reply(import_id=str(number), answer=Read(reading), allowance=None, at=now)
        update = after_poll(claim, reply, SCHEDULE, jitter=self.rng.random())
        import_.unstretched = update.unstretched_due
        if update.due is not None:
            self._plan(update.due, number)
            return
        import_.found = now
        if self.counted and import_.polls > 1:
            self._judge_end(import_, number, now)

    def _judge_end(self, import_: Simulated, number: int, now: Moment) -> None:
        pushed = import_.pushed_at is not None
        self.model.end(str(number), TYPE, now, pushed_at=import_.pushed_at, first_since=pushed)
        if str(number) in self.model.awaited:
            heappush(self._events, (self.model.awaited[str(number)][0], next(self._order), "miss", number, 0))

    def _push(self, import_: Simulated, number: int, now: Moment) -> None:
        import_.pushed_at = now
        if self.counted:
            self.model.push(str(number), now)
        if import_.found is None:
            self._plan(now, number)

    def _count_misses(self, now: Moment) -> None:
        if self.model.sweep(now):
            for number, import_ in enumerate(self.imports):
                if import_.found is None and import_.unstretched is not None:
                    self._plan(max(now, import_.unstretched), number)
                    import_.unstretched = None


def begun(ends: Sequence[float], rng: random.Random) -> list[Simulated]:
    """Let the imports begin one after another, in a random order."""
    order, at, imports = list(ends), BEGIN, []
    rng.shuffle(order)
    for duration in order:
        at += int(rng.expovariate(1 / GAP))
        imports.append(Simulated(begins=at, ends=at + int(duration * SECOND)))
    return imports


def run(seed: int) -> Mapping[str, Detection]:
    """Simulate the same imports with pushes of different quality."""
    rng = random.Random(seed)
    ends = durations(rng)

    def detection(*, lost: float = 0.0, counted: bool = True, stopped: bool = False, proven: bool = False) -> Detection:
        own = random.Random(seed)
        model = PushModel(proofs={TYPE: replace(PROVEN, last_match=BEGIN)} if proven else {})
        until = BEGIN if stopped else None
        imports = begun(ends, own)
        return Simulation(imports, own, model=model, counted=counted, pushes_until=until, lost=lost).run()

    return {
        "alone": detection(stopped=True),
        "0 %": detection(),
        "1 %": detection(lost=0.01),
        "5 %": detection(lost=0.05),
        "unnoticed": detection(stopped=True, counted=False, proven=True),
        "noticed": detection(stopped=True, proven=True),
    }


def main() -> None:
    runs = [run(seed) for seed in range(SEEDS)]

    def figures(name: str) -> tuple[float, float]:
        """Return the calls per import and the mean delay."""
        return fmean(each[name].calls for each in runs), fmean(each[name].mean for each in runs)

    alone = figures("alone")
    print(f"Pushes: {IMPORTS:,} imports, {HOUR // GAP} an hour, pushed 1 s after their end; means of {SEEDS} seeds")
    row("calls per import, mean delay: polling alone", "{:.1f}, {:.2f} s".format(*alone))
    for name, goal in (("0 %", "≤ 6"), ("1 %", "≤ 7, ≤ 1.3 s"), ("5 %", "≤ 9")):
        value = "{:.1f}, {:.2f} s".format(*figures(name))
        row(f"calls per import, mean delay: {name} of the pushes lost", value, f"goal {goal}")
    longest = max(each["unnoticed"].longest for each in runs)
    value = f"{figures('unnoticed')[1]:.1f} s, {longest:.0f} s"
    row("pushes stopped, no miss seen: mean and longest delay", value, "goal ≤ 20 s, ≤ 260 s")
    ratios = (after / before for after, before in zip(figures("noticed"), alone, strict=True))
    row("pushes stopped, misses seen: calls, delay / polling alone", "{:.2f}, {:.2f}".format(*ratios), "goal 1.0")


if __name__ == "__main__":
    main()
