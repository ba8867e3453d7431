"""Rules: what each does with a push, and whether it tells how the import ended."""

from dataclasses import replace
from typing import Any

import pytest

from bridge.domain.destinations import NamedDestination, SlackChannel
from bridge.domain.imports import Read, Reading
from bridge.domain.outcomes import Outcome
from bridge.domain.rules.pushes import CSV_FINISHED, Push, QueuedPush
from bridge.domain.rules.rule_decisions import (
    End,
    NotCovered,
    NotWanted,
    PushDecision,
    Replayed,
    Stale,
    Wanted,
    on_push,
    silences,
    why_silent,
)
from bridge.domain.rules.rule_trials import Effect, try_rules
from bridge.domain.rules.rules import Rule, Thresholds, rule_of
from bridge.domain.times import HOUR, MINUTE, rfc3339
from tests.support.samples import NOW

OPS, PANELS = NamedDestination(name="ops"), SlackChannel(channel="C0PANELS1")
RULE = Rule(name="csv", notify=(OPS,))
PROBLEM = Push(
    message_id="msg_1",
    event=CSV_FINISHED,
    workspace="default",
    import_id="imp",
    status="ERROR",
    failed_record_count=None,
    updated_at=NOW - MINUTE,
)
SUCCESS = replace(PROBLEM, status="COMPLETED", failed_record_count=0)
READ = Reading(import_id="imp", type="CSV", status="COMPLETED", person_count=10, updated_at=rfc3339(NOW))


def end(outcome: Outcome = Outcome.FAILED, push: Push = PROBLEM, **reading: Any) -> End:
    return End(pushed=QueuedPush(push=push, at=NOW, first_at=NOW), outcome=outcome, reading=replace(READ, **reading))


def completed(failed: int = 0, **reading: Any) -> End:
    outcome = Outcome.COMPLETED_WITH_FAILURES if failed else Outcome.COMPLETED
    push = replace(PROBLEM, status="COMPLETED", failed_record_count=failed)
    return end(outcome, push, failed_record_count=failed, **reading)


@pytest.mark.parametrize(
    ("rule", "push", "decision"),
    [
        (RULE, PROBLEM, Wanted()),
        (replace(RULE, workspaces=frozenset({"default"})), PROBLEM, Wanted()),
        (replace(RULE, workspaces=frozenset({"eu"})), PROBLEM, NotCovered()),
        (RULE, SUCCESS, NotWanted()),
        (RULE, replace(SUCCESS, failed_record_count=2), Wanted()),
        (RULE, replace(SUCCESS, failed_record_count=None), Wanted()),
        (RULE, replace(SUCCESS, status=None), Wanted()),
        (replace(RULE, outcomes=None), SUCCESS, Wanted()),
        (replace(RULE, outcomes=frozenset({Outcome.COMPLETED})), SUCCESS, Wanted()),
        (replace(RULE, outcomes=frozenset({Outcome.FAILED})), SUCCESS, NotWanted()),
        (replace(RULE, only_if=Thresholds(people_below=1)), SUCCESS, Wanted()),
        (replace(RULE, only_if=Thresholds(failed_records=1)), SUCCESS, NotWanted()),
        (replace(RULE, outcomes=None, only_if=Thresholds(failed_share=0.1)), SUCCESS, NotWanted()),
        (replace(RULE, outcomes=None, only_if=Thresholds(failed_share=0.1, people_below=1)), SUCCESS, Wanted()),
        (RULE, replace(PROBLEM, updated_at=NOW - 25 * HOUR), Stale()),
        (RULE, replace(SUCCESS, updated_at=NOW - 25 * HOUR), Stale()),
        (RULE, replace(PROBLEM, updated_at=NOW - 24 * HOUR), Wanted()),
        (RULE, replace(PROBLEM, updated_at=None), Wanted()),
        (RULE, replace(PROBLEM, updated_at=NOW + HOUR), Wanted()),
        (replace(RULE, max_age=HOUR), replace(PROBLEM, updated_at=NOW - 2 * HOUR), Stale()),
    ],
)
def test_a_push_leads_to_a_poll_only_if_the_rule_may_tell_the_import(
    rule: Rule, push: Push, decision: PushDecision
) -> None:
    assert on_push(rule, QueuedPush(push=push, at=NOW, first_at=NOW)) == decision


@pytest.mark.parametrize(
    ("first_at", "decision"), [(NOW - 20 * HOUR, Replayed()), (NOW - HOUR, Stale()), (NOW, Stale())]
)
def test_a_stale_push_was_told_before_if_its_first_one_was_news(first_at: int, decision: PushDecision) -> None:
    stale = replace(PROBLEM, updated_at=NOW - 30 * HOUR)

    assert on_push(RULE, QueuedPush(push=stale, at=NOW, first_at=first_at)) == decision


@pytest.mark.parametrize(
    ("rule", "ended", "silent"),
    [
        (RULE, end(), None),
        (RULE, completed(failed=1), None),
        (RULE, completed(), "the rule does not tell imports that completed without failures"),
        (RULE, end(Outcome.COMPLETED), "the rule does not tell completed"),
        (replace(RULE, outcomes=None), completed(), None),
        (replace(RULE, outcomes=frozenset({Outcome.FAILED})), completed(failed=1), "the rule does not tell completed_"),
        (replace(RULE, types=frozenset({"CSV"})), end(), None),
        (replace(RULE, types=frozenset({"CSV"})), end(type="API"), "the rule does not tell the type API"),
        (replace(RULE, types=frozenset({"CSV"})), end(type=None), None),
        (replace(RULE, types=frozenset({"API"})), end(type=None), "the rule does not tell the type CSV"),
        (replace(RULE, workspaces=frozenset({"eu"})), end(), "the rule does not cover its workspace"),
        (RULE, end(updated_at=rfc3339(NOW - 25 * HOUR)), "the import ended more than 1d before its push"),
        (RULE, end(updated_at="yesterday"), None),
        (RULE, end(Outcome.NOT_FOUND), "rules do not tell not_found"),
        (RULE, end(Outcome.FORBIDDEN), "rules do not tell forbidden"),
        (replace(RULE, outcomes=None), end(Outcome.TIMED_OUT), "rules do not tell timed_out"),
    ],
)
def test_a_rule_tells_an_end_or_has_a_reason_not_to(rule: Rule, ended: End, silent: str | None) -> None:
    found = why_silent(rule, ended)

    assert found is None if silent is None else found is not None and found.startswith(silent)


@pytest.mark.parametrize(
    ("thresholds", "ended", "told"),
    [
        (Thresholds(failed_records=3), completed(failed=2), False),
        (Thresholds(failed_records=3), completed(failed=3), True),
        (Thresholds(failed_share=0.1), completed(failed=1, person_count=9), True),
        (Thresholds(failed_share=0.1), completed(failed=1, person_count=10), False),
        (Thresholds(failed_share=0.1), completed(failed=1, person_count=None), True),
        (Thresholds(failed_share=0.1, failed_records=1), completed(failed=1, person_count=100), True),
        (Thresholds(people_below=10), completed(person_count=9), True),
        (Thresholds(people_below=10), completed(person_count=10), False),
        (Thresholds(people_below=1), completed(failed=5, person_count=0), True),
        (Thresholds(people_below=10), completed(failed=5, person_count=None), False),
        (Thresholds(failed_share=1), end(Outcome.FAILED, failed_record_count=0), True),
    ],
)
def test_one_threshold_is_enough_and_an_import_that_failed_needs_none(
    *, thresholds: Thresholds, ended: End, told: bool
) -> None:
    assert (why_silent(replace(RULE, only_if=thresholds), ended) is None) == told


def test_few_people_are_a_problem_only_for_a_rule_that_tells_problems() -> None:
    few = replace(RULE, only_if=Thresholds(people_below=5), outcomes=frozenset({Outcome.FAILED}))

    assert why_silent(few, end(Outcome.COMPLETED, person_count=1)) == "the rule does not tell completed"


@pytest.mark.parametrize("only_if", [None, Thresholds(failed_records=100)])
def test_an_end_known_by_its_push_alone_is_told_by_the_type_of_its_event(only_if: Thresholds | None) -> None:
    unread = replace(end(), reading=None)

    assert why_silent(replace(RULE, only_if=only_if, types=frozenset({"CSV"})), unread) is None
    assert why_silent(replace(RULE, types=frozenset({"API"})), unread) == "the rule does not tell the type CSV"


def receiver(destination: Any) -> str:
    return getattr(destination, "channel", "C0PANELS1" if destination == NamedDestination(name="panels") else "ops")


def test_of_an_import_and_a_destination_the_first_rule_that_tells_it_speaks() -> None:
    """The second rule also has a destination of its own; the third one does not match."""
    api = Rule(name="api", notify=(PANELS,), types=frozenset({"API"}))
    first = Rule(name="first", notify=(OPS,))
    second = Rule(name="second", notify=(OPS, PANELS), outcomes=None)
    rules = (api, first, second)

    assert silences(rules, "api", api.notify, end(), receiver) == ["the rule does not tell the type CSV"]
    assert silences(rules, "first", first.notify, end(), receiver) == [None]
    assert silences(rules, "second", second.notify, end(), receiver) == ["the rule first tells this destination", None]
    assert silences(rules, "second", second.notify, completed(), receiver) == [None, None]


def test_a_rule_that_saw_another_push_than_a_rule_before_it_speaks() -> None:
    """The push said success, so the first rule never read the import, which then had failures."""
    ended = end(Outcome.COMPLETED_WITH_FAILURES, SUCCESS, failed_record_count=2)
    rules = (RULE, Rule(name="all", notify=(OPS,), outcomes=None))

    assert silences(rules, "all", (OPS,), ended, receiver) == [None]


def test_a_destination_that_a_rule_names_twice_is_told_once() -> None:
    twice = (PANELS, NamedDestination(name="panels"))

    assert silences((replace(RULE, notify=twice),), "csv", twice, end(), receiver) == [
        None,
        "the rule names this destination twice",
    ]


def test_a_rule_that_is_not_configured_any_more_tells_nothing() -> None:
    assert silences((), "csv", (OPS,), end(), receiver) == ["the rule is not configured any more"]


def test_the_client_of_a_rule_has_its_name() -> None:
    assert rule_of(RULE.client) == "csv"
    assert rule_of("crm") is None


def test_an_import_that_a_summary_tells_is_told_to_no_destination_again() -> None:
    rule = replace(RULE, notify=(OPS, PANELS))

    found = silences((rule,), "csv", rule.notify, end(), receiver, summarized={receiver(OPS)})

    assert found == ["a summary tells this destination", None]


def test_what_was_pushed_too_late_is_summarized_by_the_type_that_its_event_names() -> None:
    late = QueuedPush(push=replace(PROBLEM, updated_at=NOW - 25 * HOUR), at=NOW, first_at=NOW)

    assert on_push(replace(RULE, types=frozenset({"CSV"})), late) == Stale()
    assert on_push(replace(RULE, types=frozenset({"API"})), late) == NotWanted("the rule does not tell the type CSV")


@pytest.mark.parametrize("impatient_first", [True, False])
def test_a_trial_names_the_summary_that_silences_a_rule(*, impatient_first: bool) -> None:
    impatient, patient = replace(RULE, name="impatient", max_age=HOUR), RULE
    pushed = QueuedPush(push=replace(PROBLEM, updated_at=NOW - 2 * HOUR), at=NOW, first_at=NOW)
    failed = Read(replace(READ, status="ERROR", updated_at=rfc3339(NOW - 2 * HOUR)))
    rules = (impatient, patient) if impatient_first else (patient, impatient)

    trials = {trial.rule.name: trial for trial in try_rules(rules, pushed, failed, receiver)}

    assert trials["impatient"].effect is Effect.SUMMARIZES
    assert (trials["csv"].effect, trials["csv"].reason) == (Effect.SILENT, "a summary tells this destination")
