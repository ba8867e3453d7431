"""Alarms: problems that last, of which the operator is told when they begin and when they end."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from bridge.domain.notices.redis_risks import NEARLY_FULL
from bridge.domain.polling.budget import Budget
from bridge.domain.times import MINUTE, SECOND, Moment, Span


class AlarmKind(StrEnum):
    """The kinds; the value is the type of the notice that tells the beginning."""

    RECEIVER_FAILING = "receiver.failing"
    RALLY_DOWN = "workspace.unavailable"
    LIMIT_USED_UP = "workspace.limit_used_up"
    REDIS_NEARLY_FULL = "redis.nearly_full"
    REDIS_NOT_DURABLE = "redis.not_durable"
    REDIS_FULL = "redis.full"
    WORKERS_MISSING = "workers.missing"


END_OF: Mapping[AlarmKind, str] = {
    AlarmKind.RECEIVER_FAILING: "receiver.recovered",
    AlarmKind.RALLY_DOWN: "workspace.available",
    AlarmKind.LIMIT_USED_UP: "workspace.limit_sufficient",
    AlarmKind.REDIS_NEARLY_FULL: "redis.has_room",
    AlarmKind.REDIS_NOT_DURABLE: "redis.durable",
    AlarmKind.REDIS_FULL: "redis.writable",
    AlarmKind.WORKERS_MISSING: "workers.alive",
}
"""The type of the notice that tells the end."""
TOLD_AFTER: Mapping[AlarmKind, Span] = {
    AlarmKind.RALLY_DOWN: MINUTE,
    AlarmKind.LIMIT_USED_UP: 10 * MINUTE,
    AlarmKind.REDIS_FULL: 10 * SECOND,
    AlarmKind.WORKERS_MISSING: 30 * SECOND,
}
"""How long an alarm lasts before it is told; the other kinds are told at once."""
FAILING_FOR: Span = 15 * MINUTE
FAILING_ATTEMPTS = 4
"""A receiver fails if messages to it have failed for FAILING_FOR, or one of them FAILING_ATTEMPTS times."""
OVER_LIMIT_WITHIN: Span = 10 * MINUTE
OVER_LIMIT_OFTEN = 3
"""The limit is used up if 429 stopped polls OVER_LIMIT_OFTEN times within OVER_LIMIT_WITHIN, or once for as long."""
NO_OUTAGE = frozenset({AlarmKind.RECEIVER_FAILING, AlarmKind.REDIS_NOT_DURABLE})
"""Kinds with which the service does its work: receivers are their owners' concern, durability is a setting."""
ROOM_AGAIN = 0.85
"""The used share of Redis' memory below which the alarm ends that begins at NEARLY_FULL."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Alarm:
    """A problem that lasts; `subject` is the lane or the workspace that has it. No part of it is secret."""

    kind: AlarmKind
    since: Moment
    subject: str = ""
    facts: Mapping[str, str | int] = field(default_factory=dict)

    @property
    def key(self) -> str:
        return f"{self.kind}:{self.subject}"


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownAlarm:
    """An alarm as it was first seen, and whether the operator was told."""

    alarm: Alarm
    told: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """What to do about the alarms at one moment."""

    begun: tuple[Alarm, ...]
    """Not seen before."""
    to_tell: tuple[Alarm, ...]
    """Old enough to be told; with the time at which each was first seen."""
    ended: tuple[KnownAlarm, ...]
    """Gone. Their end is told if their beginning was."""


def changes(present: Iterable[Alarm], known: Mapping[str, KnownAlarm], now: Moment) -> Changes:
    """Compare the present alarms with the known ones."""
    by_key = {alarm.key: alarm for alarm in present}
    to_tell = [_as_first_seen(alarm, known) for alarm in by_key.values() if not _is_told(alarm, known)]
    return Changes(
        begun=tuple(alarm for key, alarm in by_key.items() if key not in known),
        to_tell=tuple(each for each in to_tell if now - each.since >= TOLD_AFTER.get(each.kind, 0)),
        ended=tuple(each for key, each in known.items() if key not in by_key),
    )


def _is_told(alarm: Alarm, known: Mapping[str, KnownAlarm]) -> bool:
    return alarm.key in known and known[alarm.key].told


def _as_first_seen(alarm: Alarm, known: Mapping[str, KnownAlarm]) -> Alarm:
    """Return an alarm with its present facts, and the time at which it was first seen."""
    first = known.get(alarm.key)
    since = alarm.since if first is None else first.alarm.since
    return Alarm(kind=alarm.kind, subject=alarm.subject, since=since, facts=alarm.facts)


@dataclass(frozen=True, slots=True, kw_only=True)
class FailingReceiver:
    """A lane whose last attempt failed: since when, the most failures of one delivery, and the last delivery."""

    lane: str
    since: Moment
    failures: int
    delivery_id: str


def receiver_alarms(failing: Iterable[FailingReceiver], now: Moment) -> list[Alarm]:
    """Return the receivers that fail for long enough."""
    return [
        Alarm(
            kind=AlarmKind.RECEIVER_FAILING,
            subject=each.lane,
            since=each.since,
            facts={"failures": each.failures, "delivery_id": each.delivery_id},
        )
        for each in failing
        if each.failures >= FAILING_ATTEMPTS or now - each.since >= FAILING_FOR
    ]


def workspace_alarms(
    workspace: str, budget: Budget, overdue: int, over_limit: Sequence[Moment], now: Moment
) -> list[Alarm]:
    """Return the alarms of a workspace, of which `overdue` imports are polled too late.

    `over_limit` are the times at which Rally stopped its polls by 429. Between them some polls succeed, as the limit
    is used up anew in each window. A refused key and vanished imports are told when they happen.
    """
    if budget.breaker_open_since is not None:
        return [Alarm(kind=AlarmKind.RALLY_DOWN, subject=workspace, since=budget.breaker_open_since)]
    refused = sum(now - at <= OVER_LIMIT_WITHIN for at in over_limit)
    is_long = budget.over_limit_since is not None and now - budget.over_limit_since > OVER_LIMIT_WITHIN
    if budget.probes_only or not (overdue or is_long or refused >= OVER_LIMIT_OFTEN):
        return []
    facts = {"overdue": overdue, "refused": refused, "limit": budget.limit or 0, "spent": budget.spent}
    return [Alarm(kind=AlarmKind.LIMIT_USED_UP, subject=workspace, since=now, facts=facts)]


def redis_alarms(
    *, memory_share: float | None, append_only: bool | None, append_ok: bool | None, known: Collection[str], now: Moment
) -> list[Alarm]:
    """Return the alarms of Redis; what it does not report is no alarm. `known` are the keys of known alarms."""
    full = Alarm(kind=AlarmKind.REDIS_NEARLY_FULL, since=now, facts={"percent": int((memory_share or 0) * 100)})
    least = ROOM_AGAIN if full.key in known else NEARLY_FULL
    found = [full] if memory_share is not None and memory_share >= least else []
    if append_only is False or append_ok is False:
        why = "it writes no append-only file" if append_only is False else "it can't write its append-only file"
        found.append(Alarm(kind=AlarmKind.REDIS_NOT_DURABLE, since=now, facts={"why": why}))
    return found


def all_is_well(known: Iterable[KnownAlarm], budgets: Iterable[Budget]) -> bool:
    """Return whether the service does its work."""
    own = (each for each in known if each.alarm.kind not in NO_OUTAGE)
    return not any(each.told for each in own) and not any(budget.probes_only for budget in budgets)
