"""What each reply changes about a budget."""

from dataclasses import replace

import pytest

from bridge.domain.imports import (
    ImportAnswer,
    KeyRefused,
    OverLimit,
    Read,
    Reply,
    Unanswered,
    Unusable,
)
from bridge.domain.polling.allowance import Allowance
from bridge.domain.polling.budget import Budget
from bridge.domain.polling.budget_updates import after_replies
from bridge.domain.times import HOUR, MINUTE, SECOND
from tests.support.samples import NOW, READING

OPEN = Budget(limit=100, available=80, spent=20, ends_at=NOW + 60 * SECOND, window=60 * SECOND)


def replied(budget: Budget, answer: ImportAnswer, allowance: Allowance | None = None, *, in_flight: int = 0) -> Budget:
    return after_replies(
        budget, [Reply(import_id="imp", answer=answer, allowance=allowance, at=NOW)], in_flight=in_flight, now=NOW
    )


ALLOWS = Allowance(limit=50, remaining=40, resets_in=30 * SECOND)
SOONER = replace(OPEN, ends_at=NOW + 30 * SECOND, window=30 * SECOND)
"""The open window, which ends as ALLOWS says."""
SHUT = replace(OPEN, ends_at=0, failing_imports=("imp",), breaker_open_since=NOW)
"""A budget whose breaker is open."""
UNTIL = NOW + 30 * SECOND
SHUT_ALLOWS = replace(SHUT, limit=50, available=37, spent=4, rules_until=UNTIL)
FRESH = Budget(limit=50, available=37, spent=4, ends_at=UNTIL, rules_until=UNTIL)


@pytest.mark.parametrize(
    ("before", "answer", "allowance", "after"),
    [
        (Budget(probing_until=9), Read(READING), None, Budget(probing_until=9)),
        (OPEN, Read(READING), ALLOWS, replace(SOONER, available=37)),
        (replace(OPEN, available=5), Read(READING), ALLOWS, replace(SOONER, available=5)),
        (OPEN, Read(READING), replace(ALLOWS, remaining=2), replace(SOONER, available=0)),
        (
            replace(OPEN, paced_until=NOW + 59 * SECOND),
            Read(READING),
            ALLOWS,
            replace(SOONER, available=37, paced_until=SOONER.ends_at),
        ),
        (
            OPEN,
            Read(READING),
            replace(ALLOWS, resets_in=MINUTE - SECOND),
            replace(OPEN, available=37, ends_at=OPEN.ends_at - SECOND),
        ),
        (OPEN, Read(READING), replace(ALLOWS, resets_in=MINUTE + 1), replace(OPEN, available=37)),
        (OPEN, Read(READING), replace(ALLOWS, resets_in=0), replace(OPEN, available=37)),
        (
            Budget(paced_until=9, probing_until=9, window=60 * SECOND),
            Read(READING),
            ALLOWS,
            replace(FRESH, window=60 * SECOND),
        ),
        (Budget(ends_at=NOW - 2 * SECOND, window=60 * SECOND), Read(READING), ALLOWS, replace(FRESH, window=32_000)),
        (Budget(ends_at=NOW - 2_001, window=60 * SECOND), Read(READING), ALLOWS, replace(FRESH, window=60_000)),
        (Budget(), Read(READING), replace(ALLOWS, resets_in=0), Budget(limit=50, available=37, ends_at=NOW)),
        (
            replace(OPEN, ends_at=NOW - 1),
            Read(READING),
            replace(ALLOWS, resets_in=0),
            replace(OPEN, available=37, ends_at=NOW - 1),
        ),
        (
            OPEN,
            OverLimit(None),
            None,
            replace(OPEN, ends_at=0, available=0, not_before=NOW + SECOND, over_limit_since=NOW),
        ),
        (
            OPEN,
            OverLimit(5_000),
            None,
            replace(OPEN, ends_at=0, available=0, not_before=NOW + 5_000, over_limit_since=NOW),
        ),
        (
            replace(OPEN, key_refused_since=7, not_before=NOW + 1),
            Read(READING),
            None,
            replace(OPEN, key_refused_since=7, not_before=NOW + 1, ends_at=0),
        ),
        (replace(OPEN, key_refused_since=7, not_before=NOW), Read(READING), None, replace(OPEN, not_before=NOW)),
        (
            OPEN,
            OverLimit(None),
            ALLOWS,
            replace(SOONER, ends_at=0, available=0, not_before=NOW + 30 * SECOND, over_limit_since=NOW),
        ),
        (replace(OPEN, window=1), Read(READING), ALLOWS, replace(SOONER, available=37, window=SECOND)),
        (OPEN, KeyRefused(), None, replace(OPEN, ends_at=0, key_refused_since=NOW, not_before=NOW + MINUTE)),
        (
            replace(OPEN, faults=3, failing_since=7, failing_imports=("imp",)),
            Unanswered("x", HOUR),
            None,
            replace(OPEN, faults=4, failing_since=7, failing_imports=("imp",)),
        ),
        (
            replace(OPEN, faults=4, failing_since=NOW - 2 * SECOND),
            Unanswered("x"),
            None,
            replace(SHUT, faults=5, failing_since=NOW - 2 * SECOND, not_before=NOW + SECOND),
        ),
        (
            replace(SHUT, faults=8, failing_since=NOW - 40 * SECOND, breaker_open_since=7),
            Unanswered("x"),
            None,
            replace(
                SHUT, faults=9, failing_since=NOW - 40 * SECOND, breaker_open_since=7, not_before=NOW + 10 * SECOND
            ),
        ),
        (
            replace(SHUT, faults=8, failing_since=NOW - 4 * SECOND, breaker_open_since=7),
            Unanswered("x", 3 * SECOND),
            None,
            replace(SHUT, faults=9, failing_since=NOW - 4 * SECOND, breaker_open_since=7, not_before=NOW + 3 * SECOND),
        ),
        (
            replace(SHUT, faults=8, failing_since=NOW - 4 * SECOND, breaker_open_since=7),
            Unanswered("x", HOUR),
            None,
            replace(SHUT, faults=9, failing_since=NOW - 4 * SECOND, breaker_open_since=7, not_before=NOW + 15 * SECOND),
        ),
        (
            replace(SHUT, faults=10**6, failing_since=7, breaker_open_since=7),
            Unanswered("x"),
            None,
            replace(SHUT, faults=10**6 + 1, failing_since=7, breaker_open_since=7, not_before=NOW + 15 * SECOND),
        ),
        (replace(SHUT, faults=9, failing_since=7, breaker_open_since=7), Read(READING), None, replace(OPEN, ends_at=0)),
        (
            replace(SHUT, faults=9, failing_since=7),
            Unusable("x"),
            ALLOWS,
            replace(SHUT_ALLOWS, faults=9, failing_since=7, not_before=NOW + 15 * SECOND),
        ),
        (OPEN, Unusable("x"), None, OPEN),
    ],
)
def test_each_reply_changes_exactly_these_fields_of_the_budget(
    before: Budget, answer: ImportAnswer, allowance: Allowance | None, after: Budget
) -> None:
    assert replied(before, answer, allowance, in_flight=3) == after


def test_a_probe_that_ended_without_a_reply_is_no_longer_in_flight() -> None:
    assert after_replies(replace(OPEN, probing_until=9), [], in_flight=0, now=NOW, probed=True) == OPEN
