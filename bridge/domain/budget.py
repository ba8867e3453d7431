"""A workspace's budget: how many polls may start now, and what each reply teaches of it.

The budget is a lower bound of what the vendor still allows. Within a window it only falls: by one with each
reservation, and to what a reply leaves after every request still in flight. When a window ends its bound lapses, and
one probe, alone, asks what the next one allows. So the fleet stays within the limit without knowing how the vendor
counts, when its windows begin, or who else spends from them. While probes are answered without headers (a 404 has
none), they keep the pace of the last window that was known.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from bridge.domain.imports import Absent, KeyRefused, OverLimit, Read, Reply, Unanswered, Unusable
from bridge.domain.times import HOUR, MINUTE, SECOND, Moment, Span

LONGEST_PAUSE: Span = HOUR
"""Nothing that a vendor's header says stops polling for longer."""
SHORTEST_PAUSE: Span = SECOND
REFUSED_PAUSE: Span = MINUTE
"""A workspace whose key is refused is probed this often."""
BREAKER_FAULTS = 5
"""So many polls in a row without an answer open the breaker: probes alone, their pauses doubling."""
BREAKER_PAUSE: Span = 2 * SECOND
BREAKER_LONGEST: Span = MINUTE
WINDOW_SEEN_WHOLE: Span = 2 * SECOND
"""A window that opens this soon after the last one ended follows it: the length is known from one end to the other."""
COARSENESS: Span = SECOND
"""The vendor names whole seconds, so that a window may go on for so long after the end that it told."""
BURST_SHARE = 8
"""At most one eighth of what is left may start in one burst; the rest is spread over the window."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """What a workspace's rate limit still allows; the whole fleet shares one record of it.

    `version` rises with every write, so that two writers notice each other. `limit`, `available` and `spent` belong to
    the window that ends at `ends_at`, `window` is how long windows are; `not_before` holds after a 429, a 401 or too
    many faults; `probing_until` while a probe is out. `faults` counts polls in a row that had no answer.
    """

    version: int = 0
    limit: int | None = None
    available: int = 0
    spent: int = 0
    ends_at: Moment = 0
    window: Span = 0
    paced_until: Moment = 0
    not_before: Moment = 0
    probing_until: Moment = 0
    refused_since: Moment | None = None
    faults: int = 0
    down_since: Moment | None = None

    @property
    def broken(self) -> bool:
        """Tell whether the breaker is open: the line to Rally is at fault, and only probes are sent."""
        return self.faults >= BREAKER_FAULTS

    def window_open(self, now: Moment) -> bool:
        return self.limit is not None and now < self.ends_at

    def allowed(self, share: float) -> int:
        """Give how many polls of a window are ours."""
        return max(1, int((self.limit or 0) * share))


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """How many polls may start now; with none, when to look again.

    Each poll claimed moves the pace from `paced_from` by `step` (ms). No request of it starts after `ends_at`.
    """

    count: int
    again_at: Moment
    paced_from: Moment = 0
    step: Span = 0
    probe: bool = False
    ends_at: Moment | None = None


def grant(budget: Budget, now: Moment, *, in_flight: int, share: float) -> Grant:
    """Say how many polls may start at `now`, with `in_flight` not answered yet and `share` of the limit for us."""
    if now < budget.not_before:
        return Grant(count=0, again_at=budget.not_before)
    if budget.limit is None:
        return _lone_call(budget, now, in_flight=in_flight)
    if not budget.window_open(now):
        return _probe(budget, now, share=share)
    left = min(budget.available, budget.allowed(share) - budget.spent)
    if left <= 0:
        return Grant(count=0, again_at=budget.ends_at)
    step = (budget.ends_at - now) // left
    burst = max(1, left // BURST_SHARE)
    paced_from = max(budget.paced_until, now - (burst - 1) * step)
    if paced_from > now:
        return Grant(count=0, again_at=paced_from)
    count = left if step == 0 else min(left, (now - paced_from) // step + 1)
    return Grant(
        count=count, again_at=paced_from + count * step, paced_from=paced_from, step=step, ends_at=budget.ends_at
    )


def _lone_call(budget: Budget, now: Moment, *, in_flight: int) -> Grant:
    if now < budget.probing_until:
        return Grant(count=0, again_at=budget.probing_until)
    if in_flight:
        return Grant(count=0, again_at=now + SECOND)
    return Grant(count=1, again_at=now + SECOND, probe=True)


def _probe(budget: Budget, now: Moment, *, share: float) -> Grant:
    surely_over = budget.ends_at if budget.available > 0 else budget.ends_at + COARSENESS
    if (not_before := max(budget.probing_until, budget.paced_until, surely_over)) > now:
        return Grant(count=0, again_at=not_before)
    step = (budget.window + COARSENESS) // budget.allowed(share) + 1
    return Grant(count=1, again_at=now + step, paced_from=now, step=step, probe=True)


def after_replies(
    budget: Budget, replies: Iterable[Reply], *, in_flight: int, now: Moment, probed: bool = False
) -> Budget:
    """Give the budget as it stands after these replies; `in_flight` counts the requests that are still unanswered.

    `probed` says that the probe that was out has come back, be it without a reply.
    """
    if probed:
        budget = replace(budget, probing_until=0)
    for reply in replies:
        budget = _after_answer(_after_allowance(budget, reply, in_flight=in_flight, now=now), reply)
    return budget


def _after_allowance(budget: Budget, reply: Reply, *, in_flight: int, now: Moment) -> Budget:
    if reply.allowance is None:
        return budget
    bound = max(0, reply.allowance.remaining - in_flight)
    ends_at = reply.at + min(reply.allowance.resets_in, LONGEST_PAUSE)
    if budget.window_open(now):
        open_window = replace(budget, available=min(budget.available, bound))
        # Each reply rounds the end anew; the earliest is the nearest. "Now" is the last second, or nonsense.
        return open_window if reply.allowance.resets_in == 0 else _ending_by(open_window, ends_at)
    if ends_at <= now:  # a straggler of the window that just ended
        if budget.limit is None:
            return replace(budget, limit=reply.allowance.limit, available=bound, ends_at=ends_at)
        return replace(budget, available=min(budget.available, bound))
    seen_whole = now - budget.ends_at <= WINDOW_SEEN_WHOLE
    return replace(
        budget,
        limit=reply.allowance.limit,
        available=bound,
        spent=1 + in_flight,
        ends_at=ends_at,
        window=ends_at - budget.ends_at if seen_whole else max(budget.window, reply.allowance.resets_in),
        paced_until=0,
        probing_until=0,
    )


def _ending_by(budget: Budget, ends_at: Moment) -> Budget:
    """Give the budget with its window ending at `ends_at`, if that is earlier than was thought.

    What was further off than rounding explains was absurd, and the length that was learned of it with it.
    """
    too_late = max(0, budget.ends_at - ends_at)
    return replace(
        budget,
        ends_at=budget.ends_at - too_late,
        paced_until=min(budget.paced_until, budget.ends_at - too_late),
        window=max(SECOND, budget.window - too_late) if too_late > COARSENESS else budget.window,
    )


def _after_answer(budget: Budget, reply: Reply) -> Budget:
    if isinstance(reply.answer, Unanswered):
        return _after_fault(budget, reply.at)
    if isinstance(reply.answer, Unusable):
        return budget  # the line works, as far as one import's trouble can show it
    budget = replace(budget, faults=0, down_since=None)
    match reply.answer:
        case OverLimit(wait):
            named = wait if wait is not None else (reply.allowance.resets_in if reply.allowance else SHORTEST_PAUSE)
            pause = min(max(named, SHORTEST_PAUSE), LONGEST_PAUSE)
            # The window is closed as well: after the pause a probe asks what is allowed then.
            return replace(budget, ends_at=0, available=0, not_before=max(budget.not_before, reply.at + pause))
        case KeyRefused():
            since = budget.refused_since or reply.at
            pause_end = max(budget.not_before, reply.at + REFUSED_PAUSE)
            return replace(budget, ends_at=0, refused_since=since, not_before=pause_end)
        case Read() | Absent() if reply.at >= budget.not_before:
            return replace(budget, refused_since=None)
        case Read() | Absent():  # asked before the pause began, and no sign that it is over
            return budget


def _after_fault(budget: Budget, at: Moment) -> Budget:
    if at < budget.not_before:
        return budget  # of those that were under way together one counts, or a single outage would look like many
    faults = budget.faults + 1
    failing = replace(budget, faults=faults, down_since=budget.down_since or at)
    if not failing.broken:
        return failing
    pause = min(BREAKER_PAUSE << min(faults - BREAKER_FAULTS, 10), BREAKER_LONGEST)
    return replace(failing, ends_at=0, not_before=at + pause)
