"""Reports of problems that last, by one worker of the fleet at a time; and the heartbeat of the fleet."""

from collections.abc import Mapping, Sequence

import structlog

from bridge.destinations.descriptions import describe
from bridge.domain.notices.notices import Notice
from bridge.domain.notices.problem_notices import (
    Failing,
    problem_began,
    problem_ended,
    receivers_failing,
    receivers_recovered,
)
from bridge.domain.notices.problems import (
    KnownProblem,
    Problem,
    ProblemKind,
    all_is_well,
    changes,
    receiver_problems,
    redis_problems,
    workspace_problems,
)
from bridge.domain.polling.budget import Budget
from bridge.domain.times import SECOND, Moment, Span
from bridge.ids import derived_id
from bridge.resources import Resources
from bridge.store.redis_health import read_redis_health
from bridge.store.stats import overdue_imports
from workers.fleet_heartbeat import FleetHeartbeat
from workers.notify_operator import OperatorNotifier

EVERY: Span = 10 * SECOND
"""How often the fleet looks for problems."""
OF_THE_API = frozenset({ProblemKind.REDIS_FULL, ProblemKind.WORKERS_MISSING})
"""The problems that processes of the API report, because workers can't."""
NOT_KNOWN = Failing("a receiver", None)

log = structlog.get_logger()


class ProblemReports:
    """Looks for problems, and creates the notices about their beginnings and ends."""

    def __init__(self, resources: Resources, operator: OperatorNotifier) -> None:
        self._resources = resources
        self._operator = operator
        self._heartbeat = FleetHeartbeat(resources)

    async def run(self) -> None:
        """Do both, if it is this worker's turn."""
        if not await self._resources.problems.take_turn("problems", EVERY):
            return
        budgets = [(name, await self._resources.budgets.get(name)) for name in self._resources.rally]
        known = {
            key: each
            for key, each in (await self._resources.problems.known()).items()
            if each.problem.kind not in OF_THE_API
        }
        now = await self._resources.store.now()
        await self._report(await self._present(budgets, known, now), known, now)
        if all_is_well((await self._resources.problems.known()).values(), [budget for _, budget in budgets]):
            await self._heartbeat.send()

    async def _present(
        self, budgets: Sequence[tuple[str, Budget]], known: Mapping[str, KnownProblem], now: Moment
    ) -> list[Problem]:
        store = self._resources.store
        health = await read_redis_health(store)
        found = redis_problems(
            memory_share=health.memory_share,
            append_only=health.append_only,
            append_ok=health.append_ok,
            known=known.keys(),
            now=now,
        )
        for name, budget in budgets:
            found += workspace_problems(name, budget, await overdue_imports(store, name, now), now)
        return [*found, *receiver_problems(await self._resources.problems.failing_receivers(), now)]

    async def _report(self, present: Sequence[Problem], known: Mapping[str, KnownProblem], now: Moment) -> None:
        found = changes(present, known, now)
        for problem in found.begun:
            await self._resources.problems.add(problem)
        await self._tell_beginnings(found.to_tell, now)
        await self._tell_ends([each.problem for each in found.ended if each.told], now)
        for each in found.ended:
            await self._resources.problems.remove(each.problem)

    async def _tell_beginnings(self, problems: Sequence[Problem], now: Moment) -> None:
        receivers, others = _divided(problems)
        if receivers:
            await self._send(receivers_failing(receivers, await self._first(receivers), now), receivers)
        for problem in others:
            await self._send(problem_began(problem, now), [problem])
        for problem in problems:
            log.warning("problem.began", problem=problem.kind.value, subject=problem.subject, **problem.facts)
            await self._resources.problems.mark_told(problem)

    async def _tell_ends(self, problems: Sequence[Problem], now: Moment) -> None:
        receivers, others = _divided(problems)
        if receivers:
            await self._send(receivers_recovered(receivers, await self._first(receivers), now), receivers)
        for problem in others:
            await self._send(problem_ended(problem, now), [problem])
        for problem in problems:
            log.warning("problem.ended", problem=problem.kind.value, subject=problem.subject)

    async def _send(self, notice: Notice, problems: Sequence[Problem]) -> None:
        """Create the notice with an id of its own, so that a repetition after a crash creates no second one."""
        first = min(problem.since for problem in problems)
        await self._operator.send(
            notice, notice_id=derived_id("dlv_", first, notice.type, *(problem.key for problem in problems))
        )

    async def _first(self, problems: Sequence[Problem]) -> Failing:
        """Describe the receiver of the first problem whose delivery can be read."""
        ids = [str(problem.facts["delivery_id"]) for problem in problems]
        for delivery in await self._resources.deliveries.many(ids):
            return Failing(describe(delivery.destination), delivery.last_reason)
        return NOT_KNOWN


def _divided(problems: Sequence[Problem]) -> tuple[list[Problem], list[Problem]]:
    """Return the problems of receivers, which one notice tells together, and the others."""
    receivers = [each for each in problems if each.kind is ProblemKind.RECEIVER_FAILING]
    return receivers, [each for each in problems if each.kind is not ProblemKind.RECEIVER_FAILING]
