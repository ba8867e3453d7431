"""Problems that last: which there are, and what changes. The operator is told when each begins and when it ends."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from bridge.domain.polling.budget import Budget
from bridge.domain.times import MINUTE, SECOND, Moment, Span


class ProblemKind(StrEnum):
    """The kinds; the value is the type of the notice that tells the beginning."""

    RECEIVER_FAILING = "receiver.failing"
    RALLY_DOWN = "workspace.unavailable"
    LIMIT_USED_UP = "workspace.limit_used_up"
    REDIS_NEARLY_FULL = "redis.nearly_full"
    REDIS_NOT_DURABLE = "redis.not_durable"
    REDIS_FULL = "redis.full"
    WORKERS_MISSING = "workers.missing"


END_OF: Mapping[ProblemKind, str] = {
    ProblemKind.RECEIVER_FAILING: "receiver.recovered",
    ProblemKind.RALLY_DOWN: "workspace.available",
    ProblemKind.LIMIT_USED_UP: "workspace.limit_sufficient",
    ProblemKind.REDIS_NEARLY_FULL: "redis.has_room",
    ProblemKind.REDIS_NOT_DURABLE: "redis.durable",
    ProblemKind.REDIS_FULL: "redis.writable",
    ProblemKind.WORKERS_MISSING: "workers.alive",
}
"""The type of the notice that tells the end."""
TOLD_AFTER: Mapping[ProblemKind, Span] = {
    ProblemKind.RALLY_DOWN: MINUTE,
    ProblemKind.LIMIT_USED_UP: 10 * MINUTE,
    ProblemKind.REDIS_FULL: 10 * SECOND,
    ProblemKind.WORKERS_MISSING: 30 * SECOND,
}
"""How long a problem lasts before it is told; the others are told at once."""
FAILING_FOR: Span = 15 * MINUTE
FAILING_ATTEMPTS = 4
"""A receiver fails if messages to it failed for so long, or one of them so often."""
NO_OUTAGE = frozenset({ProblemKind.RECEIVER_FAILING, ProblemKind.REDIS_NOT_DURABLE})
"""Problems with which the service does its work: receivers are their owners' concern, durability is a setting."""
NEARLY_FULL = 0.9
ROOM_AGAIN = 0.85
"""The used part of Redis' memory at which the problem begins, and below which it ends."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """A problem; `subject` is the lane or the workspace that has it. No part of it is secret."""

    kind: ProblemKind
    since: Moment
    subject: str = ""
    facts: Mapping[str, str | int] = field(default_factory=dict)

    @property
    def key(self) -> str:
        return f"{self.kind}:{self.subject}"


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownProblem:
    """A problem as it was first seen, and whether the operator was told."""

    problem: Problem
    told: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """What to do about the problems at one moment."""

    begun: tuple[Problem, ...]
    """Not seen before."""
    to_tell: tuple[Problem, ...]
    """Old enough to be told; with the time at which each was first seen."""
    ended: tuple[KnownProblem, ...]
    """Gone. Their end is told if their beginning was."""


def changes(present: Iterable[Problem], known: Mapping[str, KnownProblem], now: Moment) -> Changes:
    """Compare the present problems with the known ones."""
    by_key = {problem.key: problem for problem in present}
    to_tell = [_as_first_seen(problem, known) for problem in by_key.values() if not _is_told(problem, known)]
    return Changes(
        begun=tuple(problem for key, problem in by_key.items() if key not in known),
        to_tell=tuple(each for each in to_tell if now - each.since >= TOLD_AFTER.get(each.kind, 0)),
        ended=tuple(each for key, each in known.items() if key not in by_key),
    )


def _is_told(problem: Problem, known: Mapping[str, KnownProblem]) -> bool:
    return problem.key in known and known[problem.key].told


def _as_first_seen(problem: Problem, known: Mapping[str, KnownProblem]) -> Problem:
    """Return a problem with its present facts, and the time at which it was first seen."""
    first = known.get(problem.key)
    since = problem.since if first is None else first.problem.since
    return Problem(kind=problem.kind, subject=problem.subject, since=since, facts=problem.facts)


@dataclass(frozen=True, slots=True, kw_only=True)
class FailingReceiver:
    """A lane whose last attempt failed: since when, the most failures of one delivery, and the last delivery."""

    lane: str
    since: Moment
    failures: int
    delivery_id: str


def receiver_problems(failing: Iterable[FailingReceiver], now: Moment) -> list[Problem]:
    """Return the receivers that fail for long enough."""
    return [
        Problem(
            kind=ProblemKind.RECEIVER_FAILING,
            subject=each.lane,
            since=each.since,
            facts={"failures": each.failures, "delivery_id": each.delivery_id},
        )
        for each in failing
        if each.failures >= FAILING_ATTEMPTS or now - each.since >= FAILING_FOR
    ]


def workspace_problems(workspace: str, budget: Budget, overdue: int, now: Moment) -> list[Problem]:
    """Return the problems of a workspace, of which `overdue` imports are polled too late.

    A refused key and vanished imports are told when they happen.
    """
    if budget.breaker_open_since is not None:
        return [Problem(kind=ProblemKind.RALLY_DOWN, subject=workspace, since=budget.breaker_open_since)]
    if overdue == 0 or budget.probes_only:
        return []
    facts = {"overdue": overdue, "limit": budget.limit or 0, "spent": budget.spent}
    return [Problem(kind=ProblemKind.LIMIT_USED_UP, subject=workspace, since=now, facts=facts)]


def redis_problems(
    *, memory_share: float | None, append_only: bool | None, append_ok: bool | None, known: Collection[str], now: Moment
) -> list[Problem]:
    """Return the problems of Redis; what it does not report is no problem. `known` are the keys of known problems."""
    full = Problem(kind=ProblemKind.REDIS_NEARLY_FULL, since=now, facts={"percent": int((memory_share or 0) * 100)})
    least = ROOM_AGAIN if full.key in known else NEARLY_FULL
    found = [full] if memory_share is not None and memory_share >= least else []
    if append_only is False or append_ok is False:
        why = "it writes no append-only file" if append_only is False else "it can't write its append-only file"
        found.append(Problem(kind=ProblemKind.REDIS_NOT_DURABLE, since=now, facts={"why": why}))
    return found


def all_is_well(known: Iterable[KnownProblem], budgets: Iterable[Budget]) -> bool:
    """Return whether the service does its work."""
    own = (each for each in known if each.problem.kind not in NO_OUTAGE)
    return not any(each.told for each in own) and not any(budget.probes_only for budget in budgets)
