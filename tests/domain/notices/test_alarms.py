"""Alarms: when one begins, when it is told, and when it has ended."""

from dataclasses import replace

import pytest

from bridge.domain.notices.alarms import (
    END_OF,
    Alarm,
    AlarmKind,
    FailingReceiver,
    KnownAlarm,
    all_is_well,
    changes,
    receiver_alarms,
    redis_alarms,
    workspace_alarms,
)
from bridge.domain.polling.budget import Budget
from bridge.domain.times import MINUTE, SECOND
from tests.support.samples import NOW

LATE = Alarm(kind=AlarmKind.LIMIT_USED_UP, subject="eu", since=NOW, facts={"overdue": 3})
FAILING = FailingReceiver(lane="callback:x", since=NOW, failures=1, delivery_id="dlv_1")


def known(alarm: Alarm, *, told: bool) -> dict[str, KnownAlarm]:
    return {alarm.key: KnownAlarm(alarm=alarm, told=told)}


def test_an_alarm_is_told_once_after_it_has_lasted() -> None:
    first = changes([LATE], {}, NOW)
    early = changes([replace(LATE, since=NOW + MINUTE)], known(LATE, told=False), NOW + MINUTE)
    later = changes([replace(LATE, since=NOW + 10 * MINUTE)], known(LATE, told=False), NOW + 10 * MINUTE)
    after = changes([LATE], known(LATE, told=True), NOW + 11 * MINUTE)

    assert (first.begun, first.to_tell) == ((LATE,), ())
    assert (early.begun, early.to_tell) == ((), ())
    assert later.to_tell == (LATE,)
    assert (after.begun, after.to_tell, after.ended) == ((), (), ())


def test_it_is_told_with_its_present_facts_and_its_first_time() -> None:
    worse = replace(LATE, since=NOW + MINUTE, facts={"overdue": 9})
    told = changes([worse], known(LATE, told=False), NOW + 20 * MINUTE).to_tell

    assert told == (replace(worse, since=NOW),)


@pytest.mark.parametrize("told", [True, False])
def test_an_alarm_that_is_gone_has_ended(*, told: bool) -> None:
    assert changes([], known(LATE, told=told), NOW).ended == (KnownAlarm(alarm=LATE, told=told),)


@pytest.mark.parametrize(
    ("receiver", "fails"),
    [
        (FAILING, False),
        (replace(FAILING, failures=4), True),
        (replace(FAILING, since=NOW - 15 * MINUTE), True),
        (replace(FAILING, since=NOW - 15 * MINUTE + SECOND, failures=3), False),
    ],
)
def test_a_receiver_fails_after_four_attempts_or_a_quarter_of_an_hour(
    *, receiver: FailingReceiver, fails: bool
) -> None:
    assert bool(receiver_alarms([receiver], NOW)) == fails


def kinds(alarms: list[Alarm]) -> list[AlarmKind]:
    return [alarm.kind for alarm in alarms]


@pytest.mark.parametrize(
    ("budget", "overdue", "expected"),
    [
        (Budget(), 0, []),
        (Budget(), 1, [AlarmKind.LIMIT_USED_UP]),
        (Budget(breaker_open_since=NOW), 1, [AlarmKind.RALLY_DOWN]),
        (Budget(key_refused_since=NOW), 1, []),
        (Budget(vanished_since=NOW), 1, []),
    ],
)
def test_late_polls_are_the_limits_only_if_nothing_else_explains_them(
    budget: Budget, overdue: int, expected: list[AlarmKind]
) -> None:
    assert kinds(workspace_alarms("eu", budget, overdue, (), NOW)) == expected


@pytest.mark.parametrize(
    ("budget", "ago", "used_up"),
    [
        (Budget(), (1, 5, 9), True),
        (Budget(), (1, 5, 11), False),
        (Budget(over_limit_since=NOW - 11 * MINUTE), (11,), True),
        (Budget(over_limit_since=NOW - 9 * MINUTE), (9,), False),
        (Budget(key_refused_since=NOW), (1, 5, 9), False),
    ],
)
def test_a_limit_that_others_use_up_is_told_although_no_poll_is_late(
    *, budget: Budget, ago: tuple[int, ...], used_up: bool
) -> None:
    over_limit = [NOW - minutes * MINUTE for minutes in ago]

    assert bool(workspace_alarms("eu", budget, 0, over_limit, NOW)) == used_up


@pytest.mark.parametrize(
    ("share", "is_known", "expected"),
    [(None, False, 0), (0.89, False, 0), (0.9, False, 1), (0.86, True, 1), (0.84, True, 0)],
)
def test_a_redis_at_the_limit_does_not_begin_and_end_all_the_time(
    *, share: float | None, is_known: bool, expected: int
) -> None:
    keys = {f"{AlarmKind.REDIS_NEARLY_FULL}:"} if is_known else set()
    found = redis_alarms(memory_share=share, append_only=None, append_ok=None, known=keys, now=NOW)
    assert len(found) == expected


@pytest.mark.parametrize(
    ("append_only", "append_ok", "durable"),
    [(None, None, True), (True, True, True), (False, True, False), (True, False, False)],
)
def test_a_redis_without_a_working_append_only_file_is_not_durable(
    *, append_only: bool | None, append_ok: bool | None, durable: bool
) -> None:
    found = redis_alarms(memory_share=None, append_only=append_only, append_ok=append_ok, known=(), now=NOW)
    assert kinds(found) == ([] if durable else [AlarmKind.REDIS_NOT_DURABLE])


def test_all_is_well_unless_the_service_itself_has_an_alarm() -> None:
    receiver = Alarm(kind=AlarmKind.RECEIVER_FAILING, subject="callback:x", since=NOW)
    fails = KnownAlarm(alarm=receiver, told=True)

    assert all_is_well([fails, KnownAlarm(alarm=LATE, told=False)], [Budget()])
    assert not all_is_well([KnownAlarm(alarm=LATE, told=True)], [Budget()])
    assert not all_is_well([], [Budget(), Budget(key_refused_since=NOW)])


def test_each_kind_has_an_end() -> None:
    assert END_OF.keys() == set(AlarmKind)
    assert len({*END_OF.values(), *(kind.value for kind in AlarmKind)}) == 2 * len(AlarmKind)
