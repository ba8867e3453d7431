"""The notices about alarms: one when it begins, one when it ends."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bridge.domain.notices.alarms import END_OF, Alarm, AlarmKind
from bridge.domain.notices.notices import Notice
from bridge.domain.times import Moment, rfc3339, to_the_minute


@dataclass(frozen=True, slots=True)
class Failing:
    """A failing receiver in words: its description, and the reason of its last attempt."""

    destination: str
    reason: str | None


def receivers_failing(alarms: Sequence[Alarm], first: Failing, now: Moment) -> Notice:
    """Build one notice about all receivers that began to fail; `first` describes the first of them."""
    since = min(alarm.since for alarm in alarms)
    failures = max(int(alarm.facts["failures"]) for alarm in alarms)
    what = "" if len(alarms) == 1 else f"{len(alarms):,} receivers fail. The first: "
    text = (
        f"{what}messages to {first.destination} fail since {to_the_minute(since, now)}, one up to {failures} times."
        f" The last reason: {first.reason or 'not known'}. They are tried again."
        f" `rally-bridge show {alarms[0].facts['delivery_id']}` has the answers of the receiver;"
        " `rally-bridge deliveries --state pending` lists all."
    )
    return Notice(
        type=AlarmKind.RECEIVER_FAILING.value,
        at=now,
        text=text[0].upper() + text[1:],
        facts={
            "count": str(len(alarms)),
            "destination": first.destination,
            "reason": first.reason or "",
            "since": rfc3339(since),
        },
    )


def receivers_recovered(alarms: Sequence[Alarm], first: Failing, now: Moment) -> Notice:
    one = len(alarms) == 1
    what = f"{first.destination} takes messages again" if one else f"{len(alarms):,} receivers take messages again"
    return Notice(
        type=END_OF[AlarmKind.RECEIVER_FAILING],
        at=now,
        text=f"{what}, or no message waits any more.",
        facts={"count": str(len(alarms)), "destination": first.destination},
    )


BEGINNINGS: Mapping[AlarmKind, str] = {
    AlarmKind.RALLY_DOWN: (
        "Rally gives no usable answers to polls of the workspace “{workspace}” since {since}. When it does, polling"
        " goes on by itself. `rally-bridge doctor` says what it answers."
    ),
    AlarmKind.LIMIT_USED_UP: (
        "Rally's limit of the workspace “{workspace}” is used up, since {since}: Rally answered 429 {refused} times in"
        " ten minutes, and {overdue} imports are polled more than a minute late. In this window the bridge has made"
        " {spent} of {limit} calls. If these are few, another program uses the rest: find it by its API key in Rally,"
        " and slow it down."
    ),
    AlarmKind.REDIS_NEARLY_FULL: (
        "Redis uses {percent} % of its memory. When it is full, no watch is accepted. Raise its maxmemory, or lower"
        " BRIDGE_RETENTION and restart the workers."
    ),
    AlarmKind.REDIS_NOT_DURABLE: (
        "Redis may lose watches when it restarts: {why}. `rally-bridge doctor` names the remedy."
    ),
    AlarmKind.REDIS_FULL: (
        "Redis is full since {since}: no watch is accepted, and nothing is polled or sent. Raise its maxmemory;"
        " everything then goes on by itself."
    ),
    AlarmKind.WORKERS_MISSING: (
        "No worker is alive since {since}: watches are accepted, but nothing is polled or sent. Start one; the last"
        " lines of its log say why it ended."
    ),
}
"""The text of each notice; receivers have notices of their own."""
ENDS: Mapping[AlarmKind, str] = {
    AlarmKind.RALLY_DOWN: "Rally answers polls of the workspace “{workspace}” again.",
    AlarmKind.LIMIT_USED_UP: "Rally's limit is sufficient again for the polls of the workspace “{workspace}”.",
    AlarmKind.REDIS_NEARLY_FULL: "Redis has room again.",
    AlarmKind.REDIS_NOT_DURABLE: "Redis writes its append-only file again.",
    AlarmKind.REDIS_FULL: "Redis accepts writes again. Everything goes on.",
    AlarmKind.WORKERS_MISSING: "A worker is alive again. What was missed is done now.",
}


def alarm_began(alarm: Alarm, now: Moment) -> Notice:
    """Build the notice about an alarm of a workspace, of Redis or of the workers."""
    text = BEGINNINGS[alarm.kind].format(workspace=alarm.subject, since=to_the_minute(alarm.since, now), **alarm.facts)
    facts = {name: str(value) for name, value in alarm.facts.items()}
    return Notice(type=alarm.kind.value, at=now, text=text, facts={**_about(alarm), **facts})


def alarm_ended(alarm: Alarm, now: Moment) -> Notice:
    text = ENDS[alarm.kind].format(workspace=alarm.subject)
    return Notice(type=END_OF[alarm.kind], at=now, text=text, facts=_about(alarm))


def _about(alarm: Alarm) -> dict[str, str]:
    workspace = {"workspace": alarm.subject} if alarm.subject else {}
    return {**workspace, "since": rfc3339(alarm.since)}
