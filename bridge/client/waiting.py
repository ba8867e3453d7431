"""The calls that wait for a watch: `wait` and `follow`."""

from datetime import datetime

from bridge.client import requests
from bridge.client.errors import RateLimited, Unavailable, WaitTimeout
from bridge.client.exchange import Session, exchange
from bridge.client.retries import FIRST_PAUSE, LONGEST_RETRY_PAUSE, with_jitter
from bridge.client.steps import Call, Feed, Item, Resumed, pause
from bridge.client.values.literals import Until
from bridge.client.values.watch import Watch
from bridge.domain.times import SECOND

LONGEST_WAIT = 60
"""The longest long poll of the API; seconds."""
SHORTEST_INTERVAL, LONGEST_INTERVAL = 2, 20
"""The bounds of the pause between two readings of a watch that is followed; seconds."""
FIRST_INTERVAL = 0.5
"""The shortest pause between two readings while only deliveries are pending: most take less than a second."""


def wait(session: Session, watch: Watch | str, *, timeout: float | None = None, until: Until = "ended") -> Call[Watch]:
    """Return a watch, given by itself or its id, once it has ended, or once its deliveries have ended as well.

    Raise WaitTimeout after `timeout` seconds; the watch continues.
    """
    deadline = yield from _deadline(timeout)
    if isinstance(watch, Watch):
        current = watch
    else:
        current = yield from exchange(session, requests.get_watch(watch), deadline=deadline)
    while not _is_over(current, until):
        now = yield from pause(0)
        if deadline is not None and timeout is not None and now.at >= deadline:
            raise WaitTimeout(current, timeout)
        current = yield from _read_again(session, current, LONGEST_WAIT, deadline, now)
    return current


def follow(
    session: Session, watch: Watch | str, *, timeout: float | None = None, until: Until = "ended"
) -> Feed[Watch]:
    """Yield a watch about as often as its import is polled, until it has ended or `timeout` seconds are over.

    With `until="delivered"`, until its deliveries have ended as well. An id yields the present state first.
    """
    deadline = yield from _deadline(timeout)
    if isinstance(watch, Watch):
        current = watch
    else:
        current = yield from exchange(session, requests.get_watch(watch), deadline=deadline)
        yield Item(current)
    while not _is_over(current, until):
        now = yield from pause(0)
        if deadline is not None and now.at >= deadline:
            return
        current = yield from _read_again(session, current, _seconds_to_next_poll(current, now), deadline, now)
        yield Item(current)


def _deadline(timeout: float | None) -> Call[float | None]:
    now = yield from pause(0)
    return None if timeout is None else now.at + timeout


def _is_over(watch: Watch, until: Until) -> bool:
    return watch.deliveries_ended if until == "delivered" else watch.ended


def _read_again(session: Session, watch: Watch, longest: int, deadline: float | None, now: Resumed) -> Call[Watch]:
    """Read a watch again: with a long poll of up to `longest` seconds, or when its next delivery is due.

    If rate limited, wait for Retry-After and return the watch unchanged; callers loop. So a client may follow more
    watches than its rate limit permits calls. The same if the bridge is unavailable until the deadline.
    """
    left = LONGEST_WAIT if deadline is None else max(0.0, deadline - now.at)
    if watch.ended:
        yield from pause(min(_seconds_to_next_attempt(watch, now), left))
    request = requests.get_watch(watch.id, wait=0 if watch.ended else min(longest, max(1, round(left))))
    try:
        return (yield from exchange(session, request, wait_if_limited=False, deadline=deadline))
    except RateLimited as error:
        asked = LONGEST_RETRY_PAUSE if error.retry_after is None else error.retry_after
        yield from pause(min(max(asked, FIRST_PAUSE), left))
    except Unavailable as error:
        now = yield from pause(0)
        longest_pause = with_jitter(max(error.retry_after or 0, LONGEST_RETRY_PAUSE), 1)
        if deadline is None or now.at + longest_pause < deadline:
            raise  # not for the deadline
        yield from pause(max(0.0, deadline - now.at))
    return watch


def _seconds_to_next_poll(watch: Watch, now: Resumed) -> int:
    if watch.next_poll_at is None:
        return SHORTEST_INTERVAL
    return round(_bounded(watch.next_poll_at, now, SHORTEST_INTERVAL))


def _seconds_to_next_attempt(watch: Watch, now: Resumed) -> float:
    due = [each.next_attempt_at for each in watch.deliveries if each.next_attempt_at is not None]
    return _bounded(min(due), now, FIRST_INTERVAL) if due else FIRST_INTERVAL


def _bounded(moment: datetime, now: Resumed, shortest: float) -> float:
    """Return the seconds until just after a moment, within bounds: the server's clock may differ from ours."""
    left = moment.timestamp() - now.moment / SECOND
    return max(shortest, min(LONGEST_INTERVAL, left + shortest / 2))
