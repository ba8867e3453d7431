"""Recovery times: for each fault, from its end to the first success of what it broke."""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import inf

from .history import Fault, History


@dataclass(frozen=True, slots=True, kw_only=True)
class Recovery:
    """The recoveries from one kind of fault, in seconds; None if nothing was tried, or the next fault came first."""

    kind: str
    seconds: tuple[float | None, ...]

    def percentile(self, part: float) -> float | None:
        known = sorted(each for each in self.seconds if each is not None)
        return known[min(len(known) - 1, int(part * len(known)))] if known else None


def recoveries(history: History) -> Iterator[Recovery]:
    """Yield the recoveries from each kind of fault, and at last of all together."""
    kinds: dict[str, list[float | None]] = defaultdict(list)
    for fault in history.faults:
        kinds[fault.name].append(_recovery(history, fault))
    for kind in sorted(kinds):
        yield Recovery(kind=kind, seconds=tuple(kinds[kind]))
    yield Recovery(kind="all", seconds=tuple(took for each in kinds.values() for took in each))


def _recovery(history: History, fault: Fault) -> float | None:
    """Return the seconds until everything that the fault broke works; None if the target's next fault came first."""
    follows = min((other.since for other in history.faults if _comes_after(fault, other)), default=inf)
    after = [_after(moments, fault.until) for moments in _successes(history, fault)]
    back = max(inf if moment is None else moment for moment in after)
    return back - fault.until if back < follows else None


def _comes_after(fault: Fault, other: Fault) -> bool:
    return other is not fault and other.target == fault.target and other.until > fault.until


def _successes(history: History, fault: Fault) -> list[Sequence[float]]:
    """Return the moments of success of each thing that the fault broke."""
    posts = [post.ended_at for post in history.posts if post.accepted and fault.target in {post.api, "redis"}]
    polls = [poll.at for poll in history.polls if fault.target in {poll.worker, "redis"}]
    match fault.target.rstrip("0123456789"):
        case "redis":
            return [sorted(posts), sorted(polls)]
        case "api":
            return [sorted(posts)]
        case "worker":
            return [sorted(polls)]
        case "rally":
            return [sorted(poll.at for poll in history.polls if poll.status == 200 and not poll.muddled)]
        case _:
            accepted = [each for each in history.attempts if each.receiver == fault.target and each.accepted]
            return [sorted(attempt.ended_at for attempt in accepted)]


def _after(moments: Sequence[float], moment: float) -> float | None:
    place = bisect_left(moments, moment)
    return moments[place] if place < len(moments) else None
