"""Which changes of a workspace are reported, and the notices to the operator."""

import pytest

from bridge.domain.notices.workspace_notices import workspace_changes
from bridge.domain.polling.budget import Budget
from bridge.domain.times import SECOND
from tests.support.samples import NOW


@pytest.mark.parametrize(
    ("before", "after", "event", "is_problem", "notified"),
    [
        (Budget(), Budget(key_refused_since=NOW), "workspace.refused", True, True),
        (Budget(key_refused_since=NOW), Budget(), "workspace.accepted", False, True),
        (Budget(), Budget(vanished_since=NOW, vanished_reported_at=NOW), "workspace.imports_vanished", True, True),
        (
            Budget(vanished_since=NOW, vanished_reported_at=NOW),
            Budget(vanished_since=NOW, vanished_reported_at=NOW + SECOND),
            *("workspace.imports_vanished", True, True),
        ),
        (Budget(vanished_since=NOW), Budget(), "workspace.imports_shown", False, True),
        (Budget(), Budget(breaker_open_since=NOW, faults=5), "workspace.unavailable", True, False),
        (Budget(breaker_open_since=NOW), Budget(), "workspace.available", False, False),
    ],
)
def test_the_beginning_and_the_end_of_a_problem_are_reported(
    before: Budget, after: Budget, event: str, *, is_problem: bool, notified: bool
) -> None:
    (change,) = workspace_changes("eu", before, after, NOW)

    assert (change.event, change.is_problem, change.notice is not None) == (event, is_problem, notified)


@pytest.mark.parametrize(
    "budget",
    [
        Budget(available=5),
        Budget(key_refused_since=NOW),
        Budget(vanished_since=NOW, vanished_reported_at=NOW),
        Budget(breaker_open_since=NOW),
    ],
)
def test_a_problem_that_continues_is_not_reported_again(budget: Budget) -> None:
    assert workspace_changes("eu", budget, budget, NOW) == []
