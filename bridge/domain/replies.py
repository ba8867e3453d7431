"""How replies update a budget: the remaining limit, and whether the workspace has to pause.

Connection faults are counted over all imports. The breaker opens after several in a row, and only if several imports
are affected, because a single failing import must not stop the others. Answers about one import alone change nothing
here.
"""

from collections.abc import Collection, Iterable
from dataclasses import replace

from bridge.domain.budget import COARSENESS, LONGEST_PAUSE, Budget
from bridge.domain.imports import Absent, KeyRefused, OverLimit, Read, Reply, Unanswered, Unusable
from bridge.domain.poll_schedule import LONGEST_RETRY, outage_pause
from bridge.domain.times import HOUR, MINUTE, SECOND, Moment, Span

SHORTEST_PAUSE: Span = SECOND
REFUSED_PAUSE: Span = MINUTE
"""The interval of probes while the workspace's key is rejected."""
BREAKER_FAULTS = 5
"""The number of connection faults, without an answer in between, that opens the breaker."""
BREAKER_IMPORTS = 3
"""They must affect this many imports, or all if there are fewer."""
VANISHED_IMPORTS = 3
"""The number of imports, read before and absent now, that pauses the workspace, like a rejected key."""
REMINDER_INTERVAL: Span = HOUR
"""The interval at which the operator is reminded that imports are still absent."""
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
                budget = _after_fault(budget, reply, fault, open_imports=open_imports, jitter=jitter)
            case Unusable():
                budget = _after_unusable(budget, reply, jitter=jitter)
            case Read() | Absent() | KeyRefused() | OverLimit() as answer:
                budget = _after_answer(budget, reply, answer)
        id_ = reply.import_id
        budget = _after_sight(budget, reply, was_shown=id_ in shown, was_read=id_ in read_before)
        if budget.probes_only:
            # A late reply must not reopen the window: only one probe at a time is sent.
            budget = replace(budget, ends_at=0, probing_until=probing_until)
    return budget


def _after_allowance(budget: Budget, reply: Reply, *, in_flight: int, now: Moment) -> Budget:
    if reply.allowance is None:
        return budget
    bound = max(0, reply.allowance.remaining - in_flight)
    ends_at = reply.at + min(reply.allowance.resets_in, LONGEST_PAUSE)
    if budget.window_open(now):
        open_window = replace(budget, available=min(budget.available, bound))
        # Each reply rounds the end differently; the earliest is the most exact. A reset of 0 carries no information.
        return open_window if reply.allowance.resets_in == 0 else _ending_by(open_window, ends_at)
    if ends_at <= now:  # a late reply from the window that just ended
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
    """Return the budget with its window ending at `ends_at`, if that is earlier than assumed.

    If the difference is larger than rounding explains, the old end was wrong, and the window length is corrected too.
    """
    too_late = max(0, budget.ends_at - ends_at)
    return replace(
        budget,
        ends_at=budget.ends_at - too_late,
        paced_until=min(budget.paced_until, budget.ends_at - too_late),
        window=max(SECOND, budget.window - too_late) if too_late > COARSENESS else budget.window,
    )


def _after_answer(budget: Budget, reply: Reply, answer: Read | Absent | KeyRefused | OverLimit) -> Budget:
    budget = replace(budget, faults=0, failing_since=None, failing_imports=(), breaker_open_since=None)
    match answer:
        case OverLimit(wait):
            named = wait if wait is not None else (reply.allowance.resets_in if reply.allowance else SHORTEST_PAUSE)
            pause = min(max(named, SHORTEST_PAUSE), LONGEST_PAUSE)
            # The window is closed as well: after the pause, a probe finds out what is allowed.
            return replace(budget, ends_at=0, available=0, not_before=max(budget.not_before, reply.at + pause))
        case KeyRefused():
            since = budget.key_refused_since or reply.at
            pause_end = max(budget.not_before, reply.at + REFUSED_PAUSE)
            return replace(budget, ends_at=0, key_refused_since=since, not_before=pause_end)
        case Read() | Absent() if reply.at >= budget.not_before:
            return replace(budget, key_refused_since=None)
        case Read() | Absent():  # sent before the pause began, so it does not show that the pause is over
            return budget


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


def _after_sight(budget: Budget, reply: Reply, *, was_shown: bool, was_read: bool) -> Budget:
    """Update the count of vanished imports: those that were read before and are absent now.

    If several vanish with no reading in between, the base URL or the key's scope is probably wrong, so the workspace is
    paused until an import is read again. An import counts when it turns absent; once one has, those that remain absent
    count as well. Imports that are absent while others are read are gone.
    """
    match reply.answer:
        case Read() if budget.vanished_since is not None:
            return replace(
                budget, vanished_imports=(), vanished_since=None, vanished_probe_at=0, reappeared_at=reply.at
            )
        case Read():
            return replace(budget, vanished_imports=())
        case Absent() if was_shown or (was_read and budget.vanished_imports):
            vanished = dict.fromkeys((*budget.vanished_imports, reply.import_id))
            budget = replace(budget, vanished_imports=tuple(vanished)[:VANISHED_IMPORTS])  # enough to pause
    if len(budget.vanished_imports) < VANISHED_IMPORTS or reply.at < budget.vanished_probe_at:
        return budget
    if budget.vanished_since is None or budget.vanished_reported_at is None:
        budget = replace(budget, vanished_since=reply.at, vanished_reported_at=reply.at)
    elif reply.at >= budget.vanished_reported_at + REMINDER_INTERVAL:
        budget = replace(budget, vanished_reported_at=reply.at)
    return replace(budget, vanished_probe_at=reply.at + REFUSED_PAUSE)


def _after_fault(budget: Budget, reply: Reply, fault: Unanswered, *, open_imports: int, jitter: float) -> Budget:
    if reply.at < budget.paused_until:
        return budget  # requests in flight together count once, or one outage would look like many
    failing_since = budget.failing_since or reply.at
    failing_imports = budget.failing_imports
    if reply.import_id not in failing_imports and len(failing_imports) < BREAKER_IMPORTS:
        failing_imports = (*failing_imports, reply.import_id)
    failing = replace(budget, faults=budget.faults + 1, failing_since=failing_since, failing_imports=failing_imports)
    opens = failing.faults >= BREAKER_FAULTS and len(failing_imports) >= min(BREAKER_IMPORTS, open_imports)
    if not (budget.breaker_open or opens):
        return failing
    asked_for = min(fault.wait or 0, LONGEST_RETRY)
    pause = max(outage_pause(reply.at - failing_since, jitter=jitter), asked_for)
    return replace(
        failing, breaker_open_since=budget.breaker_open_since or reply.at, ends_at=0, not_before=reply.at + pause
    )
