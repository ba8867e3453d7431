"""Queries on a history, for the rules of the checker."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TypeAlias

from .history import CRASHES, OUTAGES, Attempt, Fault, History, Poll, WatchPost, WatchView

Findings: TypeAlias = Iterator[str]
Rule: TypeAlias = Callable[[History], Findings]

PRECISION = 0.05
"""Seconds by which two clock readings may differ."""
RECORDED_WITHIN = 1.0
"""Seconds after a 429 within which the fleet may not know it yet, according to promise I3."""


def accepted(history: History) -> Iterator[WatchPost]:
    return (post for post in history.posts if post.accepted)


def last_seen(history: History) -> dict[str, WatchView]:
    return {seen.watch_id: seen for seen in sorted(history.views, key=lambda seen: seen.at)}


def outcomes_received(history: History) -> dict[str, set[str]]:
    """Return the outcomes that receivers got, by label."""
    outcomes: dict[str, set[str]] = defaultdict(set)
    for attempt in history.attempts:
        if attempt.outcome is not None:
            outcomes[attempt.label].add(attempt.outcome)
    return outcomes


def by_place(history: History) -> dict[str, list[Attempt]]:
    """Return the attempts of each delivery, in order."""
    places: dict[str, list[Attempt]] = defaultdict(list)
    for attempt in sorted(history.attempts, key=lambda attempt: attempt.at):
        places[f"{attempt.label} to {attempt.receiver} ({attempt.number})"].append(attempt)
    return places


def repeats(history: History) -> Iterator[tuple[Attempt, Attempt]]:
    """Return each attempt after an accepted one, with the last accepted one before it."""
    for attempts in by_place(history).values():
        taken: Attempt | None = None
        for attempt in attempts:
            if taken is not None:
                yield taken, attempt
            taken = attempt if attempt.taken else taken


def hits(faults: Iterable[Fault], kinds: frozenset[str], since: float, until: float, target: str = "") -> bool:
    return any(
        fault.kind in kinds and (not target or fault.target == target) and fault.since <= until and fault.until >= since
        for fault in faults
    )


def is_lost(turned: Poll, faults: Sequence[Fault]) -> bool:
    """Return whether a fault of the process that got a 429, or of Redis, may have prevented its recording."""
    near = (turned.at - PRECISION, turned.ended_at + RECORDED_WITHIN)
    return hits(faults, OUTAGES, *near) or hits(faults, CRASHES, *near, turned.worker)
