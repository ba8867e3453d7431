"""The checker's rules about time: how late each event may be, and which faults excuse a delay.

A fault excuses only what it breaks, and only for the designed time of recovery: a lease has to expire, a process has
to start. A fault of one import, receiver or client excuses no delay of another.
"""

from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from math import ceil, inf

from .evidence import PRECISION, Findings, Rule, accepted, by_place, is_lost
from .history import (
    API_ENDED,
    API_KILLED,
    CRASHES,
    OUTAGES,
    REDIS_CUT,
    WORKER_ENDED,
    Attempt,
    Fault,
    History,
    ListenerResult,
    Poll,
    WatchPost,
)

DELIVERED_WITHIN = 6.0
"""Seconds from Rally's final response to the first attempt at each healthy receiver."""
POLLED_WITHIN = 10.0
"""Seconds from the end of an import to the next poll of it: three times the longest interval of the runs."""
USED_UP = 0.9
"""The part of a window's limit from which on polls have to wait for the next window."""
HEARD_WITHIN = 15.0
SLACK = 3.0
"""Extra seconds for listening and accepting on a busy machine."""
BACK_WITHIN = 5.0
"""Seconds after a fault of Redis, its failover included, from which watches are accepted again."""
STARTED_WITHIN = 15.0
"""Seconds that a process takes to start on a busy machine."""
BELIEVED_WITHIN = 3.0
"""Seconds from the final response until every worker knows it."""
LONGEST_PAUSE = 3600.0
FAULTS_IN_A_ROW = 3
"""The number of consecutive faults after which the breaker may be open."""

Aftermath = Mapping[str, float]
"""The seconds after each kind of fault during which it has an effect; other kinds have none."""

LINES = OUTAGES | {REDIS_CUT}
PROCESSES = CRASHES | {WORKER_ENDED}
LEASE = 35.0
"""A claimed delivery waits until its lease has expired."""
BEFORE_DELIVERY: Aftermath = dict.fromkeys(LINES | PROCESSES, LEASE)
BEFORE_POLL: Aftermath = dict.fromkeys(LINES | PROCESSES, POLLED_WITHIN)
BEFORE_HEARING: Aftermath = dict.fromkeys(LINES, 0.0)
BEFORE_ACCEPTING: Aftermath = dict.fromkeys(LINES, BACK_WITHIN + SLACK) | dict.fromkeys(
    (API_KILLED, API_ENDED), STARTED_WITHIN
)
RECEIVER_AFTER = 25.0
"""Seconds during which attempts at an unhealthy receiver may still be in progress and its lane paused."""
RALLY_AFTER = 20.0
"""Seconds for which polling may still be paused after Rally's last fault."""
MISPLACED_AFTER = 75.0
"""Longer after a wrong base URL: as with a refused key, there is one probe a minute."""
HARMLESS_MOODS = frozenset({"absent", "absurd", "busy", "odd", "picky", "silent"})
"""Moods that affect one import or secondary fields only, and don't delay polls of other imports."""


def late_deliveries(history: History) -> Findings:
    """I7: a healthy receiver gets its message at once, regardless of the others."""
    for post, attempt, due in _due(history):
        if attempt is None or attempt.at > due + DELIVERED_WITHIN:
            when = "never" if attempt is None else f"{attempt.at - due:.1f} s after it could be"
            receiver = attempt.receiver if attempt else "a receiver"
            yield f"{post.label} was first sent to {receiver} {when} ({due:.2f})"


def _due(history: History) -> Iterator[tuple[WatchPost, Attempt | None, float]]:
    """Yield each delivery without an excuse: its post, its first attempt, and since when that was possible."""
    finals = _finals(history)
    first = {(each[0].label, each[0].number): each[0] for each in by_place(history).values()}
    for post in accepted(history):
        if post.import_id not in finals:
            continue
        due = max(post.ended_at, finals[post.import_id].ended_at)
        for number, subscription in enumerate(post.subscriptions):
            if (
                subscription.paced
                or not subscription.wants(post.ending)
                or _is_felt(history, BEFORE_DELIVERY, due, DELIVERED_WITHIN)
            ):
                continue
            if not _was_unwell(history, subscription.receiver, due):
                yield post, first.get((post.label, number)), due


def _was_unwell(history: History, receiver: str, due: float) -> bool:
    return any(
        fault.target == receiver and fault.since <= due + DELIVERED_WITHIN and fault.until + RECEIVER_AFTER >= due
        for fault in history.faults
    )


def neglected_imports(history: History) -> Findings:
    """An ended import is polled soon, regardless of the responses about others, if the rate limit leaves room."""
    finals, polls, refused = _finals(history), _polls_by_import(history), _refused(history)
    polls_in = Counter(int(poll.at // history.window.seconds) for poll in history.polls)
    last = max((each.at for each in history.polls), default=-inf)
    for import_id, since in _over_since(history).items():
        final = finals.get(import_id)
        if import_id in refused or (final is not None and final.at < since) or last < since + POLLED_WITHIN:
            continue
        if _is_felt(history, BEFORE_POLL, since, POLLED_WITHIN) or _is_rally_unwell(history, since):
            continue
        if _is_limit_used_up(history, polls_in, since):
            continue
        times = polls.get(import_id, [])
        place = bisect_right(times, since - PRECISION)
        following = times[place] if place < len(times) else inf
        if following > since + POLLED_WITHIN:
            yield f"{import_id} had ended at {since:.2f}, and was polled {following - since:.1f} s later"


def _is_limit_used_up(history: History, polls_in: Mapping[int, int], since: float) -> bool:
    """Return whether each whole window of the time in which an import must be polled was used for other imports."""
    seconds = history.window.seconds
    whole = range(ceil(since / seconds), int((since + POLLED_WITHIN) // seconds))
    return bool(whole) and all(polls_in.get(number, 0) >= USED_UP * history.window.limit for number in whole)


def _over_since(history: History) -> dict[str, float]:
    """Return since when each import was both watched and over."""
    since: dict[str, float] = {}
    for post in accepted(history):
        if post.over_at is not None:
            since[post.import_id] = min(since.get(post.import_id, inf), max(post.over_at, post.ended_at))
    return since


def _refused(history: History) -> set[str]:
    return {poll.import_id for poll in history.polls if poll.refused}


def _polls_by_import(history: History) -> Mapping[str, list[float]]:
    times: dict[str, list[float]] = defaultdict(list)
    for poll in sorted(history.polls, key=lambda poll: poll.at):
        times[poll.import_id].append(poll.at)
    return times


def _is_rally_unwell(history: History, since: float) -> bool:
    return any(
        fault.target == "rally"
        and fault.kind not in HARMLESS_MOODS
        and fault.since <= since + POLLED_WITHIN
        and fault.until + (MISPLACED_AFTER if fault.kind == "misplaced" else RALLY_AFTER) >= since
        for fault in history.faults
    )


def unbelieved_ends(history: History) -> Findings:
    """A response with an import's id and final status is believed, even if other fields are invalid."""
    finals = _finals(history)
    for poll in history.polls:
        final = finals.get(poll.import_id)
        if final is None or poll.at <= final.ended_at + BELIEVED_WITHIN:
            continue
        kinds = dict.fromkeys(LINES | PROCESSES, BELIEVED_WITHIN)
        if not _is_felt(history, kinds, final.at, final.ended_at - final.at + BELIEVED_WITHIN):
            yield f"{poll.import_id} had ended at {final.ended_at:.2f}, and was polled again at {poll.at:.2f}"


def _finals(history: History) -> dict[str, Poll]:
    """Return the first response with its end, for each import."""
    finals: dict[str, Poll] = {}
    for poll in sorted(history.polls, key=lambda poll: poll.ended_at, reverse=True):
        if poll.final:
            finals[poll.import_id] = poll
    return finals


def pressed_imports(history: History) -> Findings:
    """An import whose response was a 503 with a Retry-After is not polled before that time.

    A possible probe is an exception: while the breaker is open, it goes to any import.
    """
    times, answers = _polls_by_import(history), sorted(history.polls, key=lambda poll: poll.ended_at)
    for busy in history.polls:
        if busy.status != 503 or busy.retry_after is None or is_lost(busy, history.faults):
            continue
        until = busy.ended_at + min(busy.retry_after, LONGEST_PAUSE) - PRECISION
        early = [at for at in times[busy.import_id] if busy.ended_at < at < until]
        if early and not any(_is_line_at_fault(answers, at) for at in (busy.ended_at, early[0])):
            waited = early[0] - busy.ended_at
            yield f"{busy.import_id} was to wait {busy.retry_after:g} s, and was polled after {waited:.2f} s"


def _is_line_at_fault(answers: Sequence[Poll], at: float) -> bool:
    """Return whether the last responses before a moment were all faults."""
    place = bisect_right(answers, at, key=lambda poll: poll.ended_at)
    last = answers[max(0, place - FAULTS_IN_A_ROW) : place]
    return len(last) == FAULTS_IN_A_ROW and all(poll.status is None or poll.status >= 500 for poll in last)


def refused_posts(history: History) -> Findings:
    """A watch is refused only while its API or Redis is unavailable, and for a few seconds afterwards."""
    for post in history.posts:
        if post.accepted:
            continue
        others = frozenset(
            fault for fault in history.faults if fault.kind.startswith("api") and fault.target != post.api
        )
        if not _is_felt(history, BEFORE_ACCEPTING, post.at, post.ended_at - post.at, others):
            yield f"{post.label} was answered {post.status} by {post.api} at {post.ended_at:.2f}"


def deaf_listeners(history: History) -> Findings:
    """A listener gets the end of a watch soon, even after a silently lost connection."""
    known = _known(history)
    for result in history.listener_results:
        since = _could_hear_from(history, result, known)
        until = result.ended_at if result.heard_at is None else result.heard_at
        if until > since + HEARD_WITHIN + SLACK:
            heard = "heard" if result.heard_at is not None else "had not heard"
            yield f"{_names(result)} {heard} of the end of {since:.2f} {until - since:.1f} s later"


def blind_waits(history: History) -> Findings:
    """A long poll that times out returns the present state."""
    known = _known(history)
    for result in history.listener_results:
        blind = result.complete and result.outcome is None and not result.stream
        if blind and result.ended_at > _could_hear_from(history, result, known) + SLACK:
            yield f"{_names(result)} ended unsettled at {result.ended_at:.2f}, {known[result.watch_id]:.2f} known"


def _names(result: ListenerResult) -> str:
    return f"a {'stream' if result.stream else 'wait'} for {result.watch_id} at {result.api}"


def _known(history: History) -> dict[str, float]:
    """Return the first moment at which a record shows the end of each watch."""
    ids = {post.label: post.watch_id for post in accepted(history) if post.watch_id}
    known: dict[str, float] = {}
    moments = chain(
        ((each.watch_id, each.at) for each in history.views if each.outcome is not None),
        ((ids.get(each.label), each.at) for each in history.attempts),
        ((each.watch_id, each.heard_at) for each in history.listener_results),
    )
    for watch_id, at in moments:
        if watch_id is not None and at is not None:
            known[watch_id] = min(known.get(watch_id, inf), at)
    return known


def _could_hear_from(history: History, result: ListenerResult, known: Mapping[str, float]) -> float:
    """Return since when a listener could have got the end: the watch had ended, and Redis was available."""
    outages = (
        fault.until
        for fault in history.faults
        if fault.kind in BEFORE_HEARING and fault.since <= result.ended_at and fault.until >= result.at
    )
    return max(result.at, known.get(result.watch_id, inf), *outages)


def _is_felt(
    history: History, aftermath: Aftermath, since: float, seconds: float, others: frozenset[Fault] = frozenset()
) -> bool:
    return any(
        fault.kind in aftermath and fault.since <= since + seconds and fault.until + aftermath[fault.kind] >= since
        for fault in history.faults
        if fault not in others
    )


def counts(history: History) -> dict[str, int]:
    """Return how many events these rules have judged."""
    return {
        "deliveries judged for time": sum(1 for _ in _due(history)),
        "listeners that heard": sum(each.heard_at is not None for each in history.listener_results),
        "listeners that did not": sum(each.heard_at is None for each in history.listener_results),
    }


RULES: Mapping[str, Rule] = {
    "I7: deliveries late": late_deliveries,
    "imports neglected": neglected_imports,
    "ends not believed": unbelieved_ends,
    "imports polled before a 503's Retry-After": pressed_imports,
    "watches refused without an outage": refused_posts,
    "listeners deaf": deaf_listeners,
    "waits that ended blind": blind_waits,
}
