"""Imports that end while a tight limit is exhausted: the product on a simulated clock, next to an optimum.

The product is its poll work, its store and its scripts on a real Redis, with a fake Rally in the same process. The
optimum has the same calls in the same windows, and knows the distribution of durations, but no end. Two
rules are tried for it, and the one with the smaller mean delay is taken: the greatest hazard × (time since the last
poll)², which is what a call is worth while few imports have ended unnoticed, and the exact index of a call's worth. It
polls what is due by the schedule, as ours does; a variant polls whenever a call is left, due or not.
"""

import asyncio
import heapq
import math
import random
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from statistics import fmean, quantiles
from time import time
from typing import Any

import numpy as np

from bridge import log
from bridge.domain.imports import OverLimit, Read, Reading, Reply
from bridge.domain.polling.allowance import Allowance
from bridge.domain.times import MINUTE, SECOND, Moment, Span
from bridge.resources import Resources, open_resources
from bridge.startup import check_store
from bridge.store import keys, poll_scores
from bridge.store.watches.acceptance_call import NewWatch
from tests.benchmarks.detection import MIXTURE, SCHEDULE, cumulated, durations
from tests.benchmarks.stage import RUNS, row, stage
from workers.notify_operator import OperatorNotifier
from workers.poll import PollWork
from workers.settle import Settler

LIMIT = 100
SHARE = 0.8
OURS = int(LIMIT * SHARE)
WINDOW: Span = MINUTE
ROUND_TRIP: Span = 100
START: Moment = 1_900_000_000_000 // WINDOW * WINDOW + 17 * SECOND
"""A moment within a window."""
BURST = 200
OLD = 60
OLD_WITHIN: Span = 30 * MINUTE
ARRIVALS, EACH_MINUTE = 400, 12
"""At their own intervals, these would need nearly twice the budget."""


@dataclass(slots=True)
class Import:
    """A simulated import; `last`, `due` and `polled` belong to the optimum."""

    born: Moment
    ends: Moment
    found: Moment | None = None
    last: Moment = 0
    due: Moment = 0
    polled: bool = False

    @property
    def delay(self) -> float:
        return ((self.found or math.inf) - self.ends) / SECOND


Scenario = Callable[[random.Random], list[Import]]


def burst(rng: random.Random) -> list[Import]:
    ends = durations(rng, BURST)
    rng.shuffle(ends)
    return [Import(START, START + int(end * SECOND)) for end in ends]


def burst_on_top(rng: random.Random) -> list[Import]:
    """Add the burst to open imports of the previous half hour."""
    old = list[Import]()
    drawn = durations(rng)
    while len(old) < OLD:
        born = START - rng.randrange(OLD_WITHIN)
        ends = born + int(rng.choice(drawn) * SECOND)
        if ends > START:
            old.append(Import(born, ends))
    return sorted(old + burst(rng), key=lambda each: each.born)


def steady(rng: random.Random) -> list[Import]:
    born, arrived = float(START), []
    ends = durations(rng, ARRIVALS)
    rng.shuffle(ends)
    for end in ends:
        born += rng.expovariate(EACH_MINUTE / MINUTE)
        arrived.append(Import(int(born), int(born + end * SECOND)))
    return arrived


SCENARIOS: dict[str, Scenario] = {
    f"{BURST} at once": burst,
    f"{BURST} at once on top of {OLD} old ones": burst_on_top,
    f"{ARRIVALS}, {EACH_MINUTE} a minute": steady,
}


@dataclass(slots=True)
class FakeRally:
    """Answers at once, for the clock's moment."""

    imports: Sequence[Import]
    slots: int = 50
    now: Moment = 0
    taken: Counter[Moment] = field(default_factory=Counter)
    over: int = 0

    async def get_import(self, import_id: str, **_: Any) -> Reply:
        asked, at = self.now + ROUND_TRIP // 2, self.now + ROUND_TRIP
        end = (asked // WINDOW + 1) * WINDOW
        self.taken[end] += 1
        left = LIMIT - self.taken[end]
        allowance = Allowance(limit=LIMIT, remaining=max(0, left), resets_in=math.ceil((end - asked) / SECOND) * SECOND)
        if left < 0:
            self.over += 1
            return Reply(import_id=import_id, answer=OverLimit(allowance.resets_in), allowance=allowance, at=at)
        found = self.imports[int(import_id)]
        ended = asked >= found.ends
        if ended and found.found is None:
            found.found = at
        status = "COMPLETED" if ended else "UPLOADING"
        reading = Reading(import_id=import_id, type="CSV", status=status, person_count=7)
        return Reply(import_id=import_id, answer=Read(reading), allowance=allowance, at=at)


@dataclass(frozen=True, slots=True)
class RunResult:
    """The result of a run of the product: the calls of each window, and the imports still due at its end."""

    calls: dict[Moment, int]
    waiting: dict[Moment, int]
    over: int

    def least_used(self) -> float:
        """Return the smallest share of our calls that was used in a window with enough due imports."""
        filled = [calls for end, calls in self.calls.items() if calls + self.waiting.get(end, 0) >= OURS]
        return min(filled, default=OURS) / OURS


class Product:
    """One worker's poll work, step by step, on a simulated clock."""

    def __init__(self, resources: Resources, imports: Sequence[Import]) -> None:
        self.rally = FakeRally(imports)
        self.resources = replace(resources, rally={"default": self.rally})  # type: ignore[dict-item]  # only the parts that are used
        self.settler = Settler(self.resources, on_due=lambda: None)
        operator = OperatorNotifier(self.resources, on_due=lambda: None)
        self.work = PollWork(self.resources, "default", self.settler, operator)
        self.to_come = list(range(len(imports)))
        self.under_way: list[tuple[Moment, int, Any]] = []
        self.waiting: dict[Moment, int] = {}

    async def run(self) -> RunResult:
        now = self.rally.imports[0].born
        while any(each.found is None for each in self.rally.imports) or self.under_way:
            upcoming = await self._step(now)
            for end in range((now // WINDOW + 1) * WINDOW, upcoming + 1, WINDOW):
                self.waiting[end] = await self._due_at(end)
            now = upcoming
        return RunResult(calls=dict(self.rally.taken), waiting=self.waiting, over=self.rally.over)

    async def _step(self, now: Moment) -> Moment:
        """Do one step; return when the next one is due."""
        self.rally.now = now
        self._set_clock(now)
        while self.to_come and self.rally.imports[self.to_come[0]].born <= now:
            await self._accept(self.to_come.pop(0))
        answered = []
        while self.under_way and self.under_way[0][0] <= now:
            answered.append(heapq.heappop(self.under_way)[-1])
        if answered:
            await self.work.commit(answered)
            await self.settler.close()
        self._set_clock(now)
        claims, claim_again = await self.work.claim(self.work.room - len(self.under_way))
        for claim in claims:
            heapq.heappush(self.under_way, (now + ROUND_TRIP, claim.claim.fence, await self.work.act(claim)))
        moments = [moment for moment, _, _ in self.under_way[:1]]
        moments += [self.rally.imports[number].born for number in self.to_come[:1]]
        if claim_again is not None:
            moments.append(now + math.ceil(claim_again * SECOND))
        return max(now + 1, min(moments, default=0))

    async def _accept(self, number: int) -> None:
        new = NewWatch(
            id=f"wat_{number:026d}",
            client="bench",
            workspace="default",
            import_id=str(number),
            notify=(),
            label=None,
            metadata={},
            expires_in=7 * 24 * 60 * MINUTE,
        )
        await self.resources.watches.accept(new, grace=10 * MINUTE, reuse=5 * MINUTE)

    async def _due_at(self, moment: Moment) -> int:
        scores = await self.resources.store.call("ZRANGE", keys.imports_due("default"), 0, -1, "WITHSCORES")
        flat = [part for each in scores for part in (each if isinstance(each, list | tuple) else [each])]
        return sum(poll_scores.moment(score) <= moment for score in flat[1::2])

    def _set_clock(self, now: Moment) -> None:
        self.resources.store.offset = now - int(time() * SECOND)


async def product(imports: Sequence[Import], resources: Resources) -> RunResult:
    resources.store.offset = 0
    await resources.store.call("FLUSHALL")
    await check_store(resources)
    return await Product(resources, imports).run()


Rule = Callable[[Import, Moment], float]
GRID = np.concatenate([np.arange(0, 2000, 0.25), np.arange(2000, 40_001, 5.0)])
CUMULATED = cumulated(GRID)
INTEGRAL = np.concatenate([[0.0], np.cumsum(np.diff(GRID) * (CUMULATED[1:] + CUMULATED[:-1]) / 2)])


def _on_grid(values: Any, seconds: float) -> float:
    at = int(seconds * 4) if seconds < 2000 else 8000 + int((seconds - 2000) / 5)
    return float(values[min(at, len(GRID) - 1)])


def density(seconds: float) -> float:
    if seconds <= 0:
        return 0.0
    return sum(
        share / (seconds * sigma * math.sqrt(2 * math.pi)) * math.exp(-(math.log(seconds / middle) ** 2) / 2 / sigma**2)
        for share, middle, sigma in MIXTURE
    )


DENSITY = np.array([density(seconds) for seconds in GRID])


def hazard_rule(each: Import, now: Moment) -> float:
    age = (now - each.born) / SECOND
    hazard = _on_grid(DENSITY, age) / (1 - _on_grid(CUMULATED, age) + 1e-12)
    return hazard * ((now - each.last) / SECOND) ** 2


def exact_rule(each: Import, now: Moment) -> float:
    """Return the price of a call at which polling an import now is as good as a moment later."""
    age = (now - each.born) / SECOND
    known = (each.last - each.born) / SECOND if each.polled else 0.0
    before = _on_grid(CUMULATED, known)
    left = 1 - before + 1e-12
    ended = (_on_grid(CUMULATED, age) - before) / left
    delay = (_on_grid(INTEGRAL, age) - _on_grid(INTEGRAL, known) - (age - known) * before) / left
    return ended**2 / (_on_grid(DENSITY, age) / left + 1e-12) - delay


RULES: tuple[Rule, ...] = (hazard_rule, exact_rule)


def optimum(imports: Sequence[Import], rule: Rule, *, at_own_times: bool, rng: random.Random) -> list[Import]:
    """Poll by a rule, with our calls of each window spread over the rest of it."""
    imports = [Import(each.born, each.ends, last=each.born, due=each.born) for each in imports]
    to_come, there = list(imports), list[Import]()
    now, end, left = imports[0].born, 0, 0
    while to_come or there:
        while to_come and to_come[0].born <= now:
            there.append(to_come.pop(0))
        if now >= end:
            end, left = (now // WINDOW + 1) * WINDOW, OURS
        due = [each for each in there if each.due <= now]
        if not due or not left:
            moments = [each.born for each in to_come[:1]] + [each.due for each in there]
            now = end if not left else max(now + 1, min(moments))
            continue
        chosen = max(due, key=lambda each: rule(each, now))
        _poll(chosen, now, at_own_times=at_own_times, rng=rng)
        if chosen.found is not None:
            there.remove(chosen)
        now += max(1, (end - now) // left)
        left -= 1
    return imports


def _poll(each: Import, now: Moment, *, at_own_times: bool, rng: random.Random) -> None:
    each.polled = True
    if now + ROUND_TRIP // 2 >= each.ends:
        each.found = now + ROUND_TRIP
        return
    each.last = now + ROUND_TRIP
    own = SCHEDULE.pause(each.last - each.born, faults=0, jitter=rng.random())
    each.due = each.last + (own if at_own_times else SECOND)


def measured(imports: Sequence[Import]) -> list[float]:
    """Return the delays of imports that ended after the burst or while new ones arrived."""
    last = max(each.born for each in imports)
    until = last if last > START else math.inf
    return [each.delay for each in imports if START < each.ends <= until]


def main() -> None:
    print(f"Imports that end: {LIMIT} calls a minute, {OURS} ours; mean and p99 in seconds; {RUNS} draws each")
    for name, scenario in SCENARIOS.items():
        results, ours, best, best_at_any_time = asyncio.run(_compare(scenario))
        p99, best_p99, any_p99 = (quantiles(delays, n=100)[-1] for delays in (ours, best, best_at_any_time))
        row(f"{name}: mean, p99", f"{fmean(ours):.1f}, {p99:.1f}")
        row(f"{name}: mean / the optimum's", f"{fmean(ours) / fmean(best):.2f}", "goal ≤ 1.15")
        row(f"{name}: p99 / the optimum's", f"{p99 / best_p99:.2f}", "goal ≤ 1.3")
        at_any_time = f"{fmean(ours) / fmean(best_at_any_time):.2f}, {p99 / any_p99:.2f}"
        row(f"{name}: both / that at any time", at_any_time)
        row(f"{name}: least used of our calls", f"{min(each.least_used() for each in results):.2f}", "goal ≥ 0.95")
        row(f"{name}: calls over the limit", f"{sum(each.over for each in results)}", "goal 0")


async def _compare(scenario: Scenario) -> tuple[list[RunResult], list[float], list[float], list[float]]:
    results, ours = list[RunResult](), list[float]()
    best: dict[tuple[bool, Rule], list[float]] = {(at_own, rule): [] for at_own in (True, False) for rule in RULES}
    log.configure("WARNING", "worker")
    with stage() as our_stage:
        async with open_resources(our_stage.settings(RALLY_BUDGET_SHARE=str(SHARE))) as resources:
            for seed in range(RUNS):
                imports = scenario(random.Random(seed))
                results.append(await product(imports, resources))
                ours += measured(imports)
                for (at_own, rule), delays in best.items():
                    delays.extend(measured(optimum(imports, rule, at_own_times=at_own, rng=random.Random(seed))))
    at_own_times, at_any_time = (min((best[at_own, rule] for rule in RULES), key=fmean) for at_own in (True, False))
    return results, ours, at_own_times, at_any_time


if __name__ == "__main__":
    main()
