"""Nudges: a word to Slack about an import that runs for long, or that makes no progress. They are no notifications."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from bridge.domain.destinations import Callback, Destination
from bridge.domain.import_state import ImportState
from bridge.domain.imports import Reading
from bridge.domain.outcomes import Outcome
from bridge.domain.subscriptions import Subscription
from bridge.domain.times import MINUTE, Moment, Span
from bridge.domain.watches import Watch, WatchState

NUDGE_AFTER: Span = 30 * MINUTE
"""After how long rules and people in Slack are nudged, unless imports of the type and size usually take long."""
TIMES_USUAL = 3
"""How many times as long as usual an import may run before a nudge."""
NO_PROGRESS_AFTER: Span = 15 * MINUTE
"""For how long the number of people must stay the same."""
CHECKED_EVERY: Span = 5 * MINUTE
"""The time between two checks that can't lead to a nudge about progress."""
CHECKED_AGAIN_AFTER: Span = MINUTE
"""The time between two checks that can, also of an import that was not read lately."""
READ_WITHIN: Span = 10 * MINUTE
"""How old the last reading may be of which a nudge tells."""


class NudgeKind(StrEnum):
    """What a nudge tells; a watch has at most one of each."""

    STILL_RUNNING = "still_running"
    NO_PROGRESS = "no_progress"


@dataclass(frozen=True, slots=True, kw_only=True)
class NudgeState:
    """What the checks of a watch have seen, and which nudges they have led to."""

    people: int | None = None
    since: Moment = 0
    """When this number of people was first read."""
    has_risen: bool = False
    sent: frozenset[NudgeKind] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Nudge:
    """A message that an import runs for long, or makes no progress."""

    kind: NudgeKind
    at: Moment
    """When the import was read."""
    client: str
    workspace: str
    import_id: str
    label: str | None
    reading: Reading
    watched_for: Span = 0
    unchanged_for: Span | None = None
    """For how long the number of people has been the same; only without progress."""
    usual: Span | None = None
    """How long imports of the type and size usually take."""
    link: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """The result of a check: the state after it, the nudge that it leads to, and when the next check is due."""

    after: NudgeState
    nudge: Nudge | None = None
    again_at: Moment | None = None
    """None if nothing is left to check."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Remark:
    """What a living message says in place of nudges, as far as it still holds."""

    kind: NudgeKind
    unchanged_for: Span | None = None
    usual: Span | None = None
    """How long imports of the type and size usually take."""


def remark_on(states: Iterable[NudgeState], reading: Reading | None, read_at: Moment) -> Remark | None:
    """Return the remark of a living message; `states` are those of the watches that share it."""
    nudged = [each for each in states if each.sent]
    people = None if reading is None else reading.person_count
    stalled = [
        each.since
        for each in nudged
        if NudgeKind.NO_PROGRESS in each.sent and each.people == people and read_at - each.since >= NO_PROGRESS_AFTER
    ]
    if stalled:
        return Remark(kind=NudgeKind.NO_PROGRESS, unchanged_for=read_at - min(stalled))
    is_long = any(NudgeKind.STILL_RUNNING in each.sent for each in nudged)
    return Remark(kind=NudgeKind.STILL_RUNNING) if is_long else None


def wants_nudges(on: Subscription) -> bool:
    """Return whether a destination with these outcomes gets nudges: it is told of imports that do not end in time."""
    return on is None or Outcome.TIMED_OUT in on


def first_check(nudge_after: Span | None, notify: Sequence[Destination]) -> Span:
    """Return after how long a new watch is checked for the first time; 0 if it is not."""
    may_nudge = any(not isinstance(each, Callback) and wants_nudges(each.on) for each in notify)
    return min(nudge_after, CHECKED_AGAIN_AFTER) if nudge_after is not None and may_nudge else 0


def check(watch: Watch, before: NudgeState, state: ImportState, now: Moment, *, usual: Span | None) -> Check:
    """Return what a check of an open watch finds; `usual` is how long imports of the type and size usually take."""
    if watch.nudge_after is None or watch.state is not WatchState.WATCHING:
        return Check(after=before)
    if state.reading is None or state.polled_at is None or not _is_running(state, now):
        return Check(after=before, again_at=now + CHECKED_AGAIN_AFTER)
    seen = _seen(before, state.reading, state.polled_at)
    running_due = watch.created_at + max(watch.nudge_after, TIMES_USUAL * (usual or 0))
    wanted = {
        NudgeKind.NO_PROGRESS: seen.has_risen and state.polled_at - seen.since >= NO_PROGRESS_AFTER,
        NudgeKind.STILL_RUNNING: now >= running_due,
    }
    due = {kind for kind, is_due in wanted.items() if is_due}
    kind = next((each for each in wanted if each in due - seen.sent), None)
    after = seen if kind is None else replace(seen, sent=seen.sent | due)  # one message tells both, if both are due
    again_at = _next_check(after, running_due, now, age=now - watch.created_at)
    if kind is None:
        return Check(after=after, again_at=again_at)
    nudge = _nudge(kind, watch, state.reading, seen, state.polled_at)
    nudge = replace(nudge, watched_for=max(0, now - watch.created_at), usual=usual)
    return Check(after=after, nudge=nudge, again_at=again_at)


def _nudge(kind: NudgeKind, watch: Watch, reading: Reading, seen: NudgeState, read_at: Moment) -> Nudge:
    return Nudge(
        kind=kind,
        at=read_at,
        client=watch.client,
        workspace=watch.workspace,
        import_id=watch.import_id,
        label=watch.label,
        reading=reading,
        unchanged_for=read_at - seen.since if kind is NudgeKind.NO_PROGRESS else None,
    )


def _is_running(state: ImportState, now: Moment) -> bool:
    """Return whether the last poll read the import lately, and it had not ended."""
    is_recent = state.polled_at is not None and abs(now - state.polled_at) <= READ_WITHIN
    return state.just_read and is_recent and state.reading is not None and not state.reading.finished


def _seen(before: NudgeState, reading: Reading, read_at: Moment) -> NudgeState:
    people = reading.person_count
    if people is None or people == before.people:
        return before
    has_risen = before.has_risen or (before.people is not None and people > before.people)
    return replace(before, people=people, since=read_at, has_risen=has_risen)


def _next_check(seen: NudgeState, running_due: Moment, now: Moment, *, age: Span) -> Moment | None:
    """Return when the next check is due; None if both nudges were sent.

    A rise that is not seen does not count, so a new watch is checked often. Once the number of people has risen, it is
    checked as often when it stands still.
    """
    left = set(NudgeKind) - seen.sent
    if not left:
        return None
    is_close = NudgeKind.NO_PROGRESS in left and (seen.has_risen or age < NO_PROGRESS_AFTER)
    again_at = now + (CHECKED_AGAIN_AFTER if is_close else CHECKED_EVERY)
    return min(again_at, running_due) if NudgeKind.STILL_RUNNING in left else again_at
