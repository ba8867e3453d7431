"""The notices about problems that last: one when they begin, one when they end."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bridge.domain.notices.notices import Notice
from bridge.domain.notices.problems import END_OF, Problem, ProblemKind
from bridge.domain.times import Moment, rfc3339, to_the_minute


@dataclass(frozen=True, slots=True)
class Failing:
    """A failing receiver in words: its description, and the reason of its last attempt."""

    destination: str
    reason: str | None


def receivers_failing(problems: Sequence[Problem], first: Failing, now: Moment) -> Notice:
    """Build one notice about all receivers that began to fail; `first` describes the first of them."""
    since = min(problem.since for problem in problems)
    failures = max(int(problem.facts["failures"]) for problem in problems)
    what = "" if len(problems) == 1 else f"{len(problems):,} receivers fail. The first: "
    text = (
        f"{what}messages to {first.destination} fail since {to_the_minute(since, now)}, one up to {failures} times."
        f" The last reason: {first.reason or 'not known'}. They are tried again;"
        " `rally-bridge deliveries --state pending` lists them."
    )
    return Notice(
        type=ProblemKind.RECEIVER_FAILING.value,
        at=now,
        text=text[0].upper() + text[1:],
        facts={
            "count": str(len(problems)),
            "destination": first.destination,
            "reason": first.reason or "",
            "since": rfc3339(since),
        },
    )


def receivers_recovered(problems: Sequence[Problem], first: Failing, now: Moment) -> Notice:
    one = len(problems) == 1
    what = f"{first.destination} takes messages again" if one else f"{len(problems):,} receivers take messages again"
    return Notice(
        type=END_OF[ProblemKind.RECEIVER_FAILING],
        at=now,
        text=f"{what}, or no message waits any more.",
        facts={"count": str(len(problems)), "destination": first.destination},
    )


BEGINNINGS: Mapping[ProblemKind, str] = {
    ProblemKind.RALLY_DOWN: (
        "Rally does not answer polls of the workspace “{workspace}” since {since}. Polling then goes on by itself."
    ),
    ProblemKind.LIMIT_USED_UP: (
        "{overdue} imports of the workspace “{workspace}” are polled more than a minute late, since {since}. In this"
        " window the bridge has used {spent} of Rally's limit of {limit}; perhaps another tool uses the rest."
    ),
    ProblemKind.REDIS_NEARLY_FULL: "Redis uses {percent} % of its memory. When it is full, no watch is accepted.",
    ProblemKind.REDIS_NOT_DURABLE: "Redis may lose watches when it restarts: {why}.",
    ProblemKind.REDIS_FULL: "Redis is full since {since}: no watch is accepted, and nothing is polled or sent.",
    ProblemKind.WORKERS_MISSING: (
        "No worker is alive since {since}: watches are accepted, but nothing is polled or sent."
    ),
}
"""The text of each notice; receivers have notices of their own."""
ENDS: Mapping[ProblemKind, str] = {
    ProblemKind.RALLY_DOWN: "Rally answers polls of the workspace “{workspace}” again.",
    ProblemKind.LIMIT_USED_UP: "No import of the workspace “{workspace}” is polled late any more.",
    ProblemKind.REDIS_NEARLY_FULL: "Redis has room again.",
    ProblemKind.REDIS_NOT_DURABLE: "Redis writes its append-only file again.",
    ProblemKind.REDIS_FULL: "Redis accepts writes again. Everything goes on.",
    ProblemKind.WORKERS_MISSING: "A worker is alive again. What was missed is done now.",
}


def problem_began(problem: Problem, now: Moment) -> Notice:
    """Build the notice about a problem of a workspace, of Redis or of the workers."""
    text = BEGINNINGS[problem.kind].format(
        workspace=problem.subject, since=to_the_minute(problem.since, now), **problem.facts
    )
    facts = {name: str(value) for name, value in problem.facts.items()}
    return Notice(type=problem.kind.value, at=now, text=text, facts={**_about(problem), **facts})


def problem_ended(problem: Problem, now: Moment) -> Notice:
    text = ENDS[problem.kind].format(workspace=problem.subject)
    return Notice(type=END_OF[problem.kind], at=now, text=text, facts=_about(problem))


def _about(problem: Problem) -> dict[str, str]:
    workspace = {"workspace": problem.subject} if problem.subject else {}
    return {**workspace, "since": rfc3339(problem.since)}
