"""How replies update a budget: the remaining limit, and pauses after a 429 or a refused key.

The pauses for an outage of Rally and for vanished imports are in modules of their own.
"""

from collections.abc import Collection, Iterable
from dataclasses import replace

from bridge.domain.imports import Absent, KeyRefused, OverLimit, Read, Reply, Unanswered, Unusable
from bridge.domain.polling.breaker import after_fault
from bridge.domain.polling.budget import COARSENESS, LONGEST_RALLY_PAUSE, Budget
from bridge.domain.polling.poll_intervals import outage_pause
from bridge.domain.polling.vanished_imports import after_sight
from bridge.domain.times import MINUTE, SECOND, Moment, Span

SHORTEST_PAUSE: Span = SECOND
REFUSED_PAUSE: Span = MINUTE
"""The interval of probes while the workspace's key is rejected."""
WINDOW_SEEN_WHOLE: Span = 2 * SECOND
"""A window that is seen to open this soon after the last one followed it directly, so its full length is known."""


def after_replies(
    budget: Budget,
    replies: Iterable[Reply],
    *,
    in_flight: int,
    now: Moment,
    shown: Collection[str] = (),
    read_before: Collection[str] = (),
    open_imports: int = 1,
    jitter: float = 0.0,
    probed: bool = False,
) -> Budget:
    """Return the budget after these replies.

    `in_flight` counts the requests still unanswered, `open_imports` the imports being polled. `shown` holds the imports
    whose last conclusive answer was a reading, `read_before` those that were ever read. `jitter` is a random number
    from 0 to 1. `probed` means that the outstanding probe has ended, with or without a reply.
    """
    if probed:
        budget = replace(budget, probing_until=0)
    probing_until = budget.probing_until
    for reply in replies:
        budget = _after_allowance(budget, reply, in_flight=in_flight, now=now)
        match reply.answer:
            case Unanswered() as fault:
                budget = after_fault(budget, reply, fault, open_imports=open_imports, jitter=jitter)
            case Unusable():
                budget = _after_unusable(budget, reply, jitter=jitter)
            case Read() | Absent() | KeyRefused() | OverLimit() as answer:
                budget = _after_answer(budget, reply, answer)
        id_ = reply.import_id
        budget = after_sight(budget, reply, was_shown=id_ in shown, was_read=id_ in read_before)
        if budget.probes_only:
            # A late reply must not reopen the window: only one probe at a time is sent.
            budget = replace(budget, ends_at=0, probing_until=probing_until)
    return budget


def _after_allowance(budget: Budget, reply: Reply, *, in_flight: int, now: Moment) -> Budget:
    if reply.allowance is None:
        return budget
    bound = max(0, reply.allowance.remaining - in_flight)
    ends_at = reply.at + min(reply.allowance.resets_in, LONGEST_RALLY_PAUSE)
    if budget.window_open(now):
        open_window = budget if budget.available <= bound else replace(budget, available=bound)
        # Each reply rounds the end differently; the earliest is the most exact. A reset of 0 carries no information.
        return open_window if reply.allowance.resets_in == 0 else _ending_by(open_window, ends_at)
    if ends_at <= now:  # a late reply from the window that just ended
        if budget.limit is None:
            return replace(budget, limit=reply.allowance.limit, available=bound, ends_at=ends_at)
        return replace(budget, available=min(budget.available, bound))
    seen_whole = now - budget.ends_at <= WINDOW_SEEN_WHOLE
    # A pause closes the window; afterwards it may be the same one.
    is_new = ends_at > budget.rules_until + COARSENESS
    return replace(
        budget,
        limit=reply.allowance.limit,
        available=bound,
        spent=1 + in_flight,
        spent_by_rules=min(budget.spent_by_rules, 1 + in_flight) if is_new else budget.spent_by_rules,
        rules_until=ends_at if is_new else budget.rules_until,
        ends_at=ends_at,
        window=ends_at - budget.ends_at if seen_whole else max(budget.window, reply.allowance.resets_in),
        paced_until=0,
        probing_until=0,
    )


def _ending_by(budget: Budget, ends_at: Moment) -> Budget:
    """Return the budget with its window ending at `ends_at`, if that is earlier than assumed.

    If the difference is larger than rounding explains, the old end was wrong, and the window length is corrected too.
    """
    too_late = max(0, budget.ends_at - ends_at)
    if not too_late and budget.paced_until <= budget.ends_at:
        return budget
    return replace(
        budget,
        ends_at=budget.ends_at - too_late,
        paced_until=min(budget.paced_until, budget.ends_at - too_late),
        window=max(SECOND, budget.window - too_late) if too_late > COARSENESS else budget.window,
    )


def _after_answer(budget: Budget, reply: Reply, answer: Read | Absent | KeyRefused | OverLimit) -> Budget:
    if (budget.faults, budget.failing_since, budget.failing_imports, budget.breaker_open_since) != (0, None, (), None):
        budget = replace(budget, faults=0, failing_since=None, failing_imports=(), breaker_open_since=None)
    match answer:
        case OverLimit(wait):
            named = wait if wait is not None else (reply.allowance.resets_in if reply.allowance else SHORTEST_PAUSE)
            pause = min(max(named, SHORTEST_PAUSE), LONGEST_RALLY_PAUSE)
            # The window is closed as well: after the pause, a probe finds out what is allowed.
            since = budget.over_limit_since or reply.at
            pause_end = max(budget.not_before, reply.at + pause)
            return replace(budget, ends_at=0, available=0, not_before=pause_end, over_limit_since=since)
        case KeyRefused():
            since = budget.key_refused_since or reply.at
            pause_end = max(budget.not_before, reply.at + REFUSED_PAUSE)
            return replace(budget, ends_at=0, key_refused_since=since, not_before=pause_end)
        case Read() | Absent():
            paused = budget.key_refused_since is not None or budget.over_limit_since is not None
            # An answer from before the pause does not show that it is over.
            if not paused or reply.at < budget.not_before:
                return budget
            return replace(budget, key_refused_since=None, over_limit_since=None)


def _after_unusable(budget: Budget, reply: Reply, *, jitter: float) -> Budget:
    """Return the budget after an unusable answer, which concerns only its import.

    If it was a probe, it does not end the pause: the next probe waits as long as after one without an answer.
    """
    if reply.at < budget.paused_until:
        return budget
    if budget.key_refused_since is not None:
        return replace(budget, not_before=reply.at + REFUSED_PAUSE)
    if budget.breaker_open and budget.failing_since is not None:
        return replace(budget, not_before=reply.at + outage_pause(reply.at - budget.failing_since, jitter=jitter))
    return budget
