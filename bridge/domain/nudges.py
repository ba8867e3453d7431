"""Nudges: a word to Slack about an import that runs for long, or that makes no progress. They are no notifications."""

from collections.abc import Mapping, Sequence
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
CHECKED_AGAIN_AFTER: Span = MINUTE
"""The shortest time between two checks, also of an import that was not read lately."""
READ_WITHIN: Span = 10 * MINUTE
"""How old the last reading may be of which a nudge tells."""


class NudgeKind(StrEnum):
    """What a nudge tells; a watch has at most one of each."""

    STILL_RUNNING = "still_running"
    NO_PROGRESS = "no_progress"


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
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
    watched_for: Span
    unchanged_for: Span | None = None
    """For how long the number of people has been the same; only without progress."""
    usual: Span | None = None
    """How long imports of the type and size usually take."""
    link: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """The result of a check: the progress after it, the nudge that it leads to, and when the next check is due."""

    progress: Progress
    nudge: Nudge | None = None
    again_at: Moment | None = None
    """None if nothing is left to check."""


def wants_nudges(on: Subscription) -> bool:
    """Return whether a destination with these outcomes gets nudges: it is told of imports that do not end in time."""
    return on is None or Outcome.TIMED_OUT in on


def first_check(nudge_after: Span | None, notify: Sequence[Destination]) -> Span:
    """Return after how long a new watch is checked for the first time; 0 if it is not."""
    may_nudge = any(not isinstance(each, Callback) and wants_nudges(each.on) for each in notify)
    return min(nudge_after, CHECKED_EVERY) if nudge_after is not None and may_nudge else 0


def check(
    watch: Watch, progress: Progress, state: ImportState, now: Moment, *, usual: Span | None, link: str | None = None
) -> Check:
    """Return what a check of an open watch finds; `usual` is how long imports of the type and size usually take."""
    if watch.nudge_after is None or watch.state is not WatchState.WATCHING:
        return Check(progress=progress)
    reading, read_at = state.reading, state.polled_at
    if reading is None or read_at is None or not _is_running(state, now):
        return Check(progress=progress, again_at=now + CHECKED_AGAIN_AFTER)
    seen = _seen(progress, reading, read_at)
    running_due = watch.created_at + max(watch.nudge_after, TIMES_USUAL * (usual or 0))
    stands_still = seen.has_risen and read_at - seen.since >= NO_PROGRESS_AFTER
    wanted = {NudgeKind.NO_PROGRESS: stands_still, NudgeKind.STILL_RUNNING: read_at >= running_due}
    kind = _first(wanted, seen)
    if kind is None:
        return Check(progress=seen, again_at=_next_check(seen, running_due, now))
    # One message tells both, if both are due.
    after = replace(seen, sent=seen.sent | {each for each, is_due in wanted.items() if is_due})
    nudge = Nudge(
        kind=kind,
        at=read_at,
        client=watch.client,
        workspace=watch.workspace,
        import_id=watch.import_id,
        label=watch.label,
        reading=reading,
        watched_for=max(0, read_at - watch.created_at),
        unchanged_for=read_at - seen.since if kind is NudgeKind.NO_PROGRESS else None,
        usual=usual,
        link=link,
    )
    return Check(progress=after, nudge=nudge, again_at=_next_check(after, running_due, now))


def _is_running(state: ImportState, now: Moment) -> bool:
    """Return whether the last poll read the import lately, and it had not ended."""
    is_recent = state.polled_at is not None and abs(now - state.polled_at) <= READ_WITHIN
    return state.just_read and is_recent and state.reading is not None and not state.reading.finished


def _seen(progress: Progress, reading: Reading, read_at: Moment) -> Progress:
    people = reading.person_count
    if people is None or people == progress.people:
        return progress
    has_risen = progress.has_risen or (progress.people is not None and people > progress.people)
    return replace(progress, people=people, since=read_at, has_risen=has_risen)


def _first(wanted: Mapping[NudgeKind, bool], progress: Progress) -> NudgeKind | None:
    return next((kind for kind, is_due in wanted.items() if is_due and kind not in progress.sent), None)


def _next_check(progress: Progress, running_due: Moment, now: Moment) -> Moment | None:
    """Return when the next check is due; None if both nudges were sent."""
    left = set(NudgeKind) - progress.sent
    if not left:
        return None
    every = now + CHECKED_EVERY
    sooner = min(every, running_due) if NudgeKind.STILL_RUNNING in left else every
    return max(now + CHECKED_AGAIN_AFTER, sooner)
