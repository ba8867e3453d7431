"""What an open watch waits for, by tables: the next poll, or why there is none."""

from dataclasses import replace

import pytest

from bridge.domain.history.poll_waits import Polling, Workspace, waiting_for_poll, waiting_when_accepted
from bridge.domain.history.standstill import RefusedWrites, Service, waiting_for_replicas
from bridge.domain.history.wait_reasons import WaitReason
from bridge.domain.polling.budget import Budget
from bridge.domain.times import HOUR, MINUTE, SECOND
from tests.support.samples import NOW, WATCH

OPEN = Budget(limit=60, available=40, spent=8, ends_at=NOW + MINUTE, window=MINUTE)
DUE = Polling(next_due=NOW + 9 * SECOND, polled_at=NOW - SECOND)
ALIVE = Service(workers_alive=True, worker_seen_at=NOW)


def workspace(budget: Budget, *, share: float = 0.8, configured: bool = True) -> Workspace:
    return Workspace(name="eu", budget=budget, share=share, configured=configured)


@pytest.mark.parametrize(
    ("budget", "reason", "since", "until"),
    [
        (OPEN, "next_poll", NOW, DUE.next_due),
        (Budget(), "next_poll", NOW, DUE.next_due),
        (replace(OPEN, available=0), "budget", DUE.next_due, NOW + MINUTE),
        (replace(OPEN, spent=48), "budget", DUE.next_due, NOW + MINUTE),
        (replace(OPEN, available=0, ends_at=NOW + SECOND), "next_poll", NOW, DUE.next_due),
        (Budget(not_before=NOW + MINUTE, over_limit_since=NOW - 5), "rally_pause", NOW - 5, NOW + MINUTE),
        (Budget(not_before=NOW + SECOND, over_limit_since=NOW - 5), "next_poll", NOW, DUE.next_due),
        (Budget(not_before=NOW + MINUTE, key_refused_since=NOW - HOUR), "key_refused", NOW - HOUR, NOW + MINUTE),
        (Budget(vanished_probe_at=NOW + MINUTE, vanished_since=NOW - 7), "imports_vanished", NOW - 7, NOW + MINUTE),
        (
            Budget(not_before=NOW + 15, breaker_open_since=NOW - 4, failing_since=NOW - 9),
            "rally_down",
            NOW - 9,
            DUE.next_due,
        ),
    ],
)
def test_the_wait_follows_from_the_workspace(budget: Budget, reason: str, since: int, until: int) -> None:
    waiting = waiting_for_poll(WATCH, DUE, workspace(budget), ALIVE, NOW)

    assert (waiting.reason, waiting.since, waiting.until) == (reason, since, until)


@pytest.mark.parametrize(
    ("budget", "detail"),
    [
        (
            replace(OPEN, available=0),
            "Rally's rate limit leaves us no call: this bridge has made 8 of 60 calls, other programs 52",
        ),
        (
            replace(OPEN, spent=48, available=12, spent_by_rules=12, rules_until=NOW + MINUTE),
            (
                "Rally's rate limit leaves us no call: this bridge has made 48 of 60 calls, 12 of them for rules, "
                "other programs 0; the rest is beyond our share"
            ),
        ),
    ],
)
def test_the_budget_says_who_uses_it_up(budget: Budget, detail: str) -> None:
    assert waiting_for_poll(WATCH, DUE, workspace(budget), ALIVE, NOW).detail == detail


def test_an_overdue_poll_waits_for_its_turn() -> None:
    late = replace(DUE, next_due=NOW - MINUTE)

    waiting = waiting_for_poll(WATCH, late, workspace(OPEN), ALIVE, NOW)

    assert (waiting.reason, waiting.since, waiting.until) == (WaitReason.BUDGET, NOW - MINUTE, NOW)


def test_an_import_of_rules_waits_for_the_share_of_rules() -> None:
    budget = replace(OPEN, spent_by_rules=12, rules_until=NOW + MINUTE)

    explicit = waiting_for_poll(WATCH, DUE, workspace(budget), ALIVE, NOW)
    by_rule = waiting_for_poll(WATCH, replace(DUE, by_rule=True), workspace(budget), ALIVE, NOW)

    assert explicit.reason is WaitReason.NEXT_POLL
    assert (by_rule.reason, by_rule.until) == (WaitReason.BUDGET, NOW + MINUTE)


def test_without_a_worker_nothing_else_matters() -> None:
    refused = Budget(key_refused_since=NOW)

    waiting = waiting_for_poll(
        WATCH, DUE, workspace(refused), Service(workers_alive=False, worker_seen_at=NOW - HOUR), NOW
    )

    assert (waiting.reason, waiting.since, waiting.until) == (WaitReason.NO_WORKER, NOW - HOUR, None)


@pytest.mark.parametrize(
    ("refused", "reason"), [(RefusedWrites.FULL, "redis_full"), (RefusedWrites.REPLICAS, "replicas")]
)
def test_refused_writes_are_named_instead_of_workers_that_are_not_seen(refused: RefusedWrites, reason: str) -> None:
    waiting = waiting_for_poll(WATCH, DUE, workspace(OPEN), Service(workers_alive=False, refused_writes=refused), NOW)

    assert (waiting.reason, waiting.until) == (reason, None)


@pytest.mark.parametrize(("required", "who"), [(1, "a replica of Redis has"), (2, "2 replicas of Redis have")])
def test_a_decided_outcome_waits_for_the_required_replicas(required: int, who: str) -> None:
    waiting = waiting_for_replicas(NOW, required)

    assert (waiting.reason, waiting.since) == ("replicas", NOW)
    assert waiting.detail.endswith(f"once {who} confirmed it")


def test_a_workspace_that_is_not_configured_is_named() -> None:
    waiting = waiting_for_poll(WATCH, DUE, workspace(OPEN, configured=False), ALIVE, NOW)

    assert waiting.reason is WaitReason.WORKSPACE_UNKNOWN
    assert "workspace eu" in waiting.detail


@pytest.mark.parametrize("polling", [None, Polling(next_due=None, polled_at=NOW)])
def test_an_import_that_is_not_polled_any_more_has_ended(polling: Polling | None) -> None:
    assert waiting_for_poll(WATCH, polling, workspace(OPEN), ALIVE, NOW).reason is WaitReason.SETTLING


def test_a_watch_waits_for_the_first_poll_once_it_is_accepted() -> None:
    waiting = waiting_when_accepted(WATCH, Polling(next_due=NOW))

    assert (waiting.reason, waiting.since, waiting.until) == (WaitReason.NEXT_POLL, NOW, NOW)
    assert waiting.detail == "the first poll of the import"
