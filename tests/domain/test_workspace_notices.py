"""Which changes of a workspace are reported, and the notices to the operator."""

import pytest

from bridge.domain.budget import Budget
from bridge.domain.times import HOUR, SECOND, rfc3339
from bridge.domain.workspace_notices import (
    imports_shown,
    imports_vanished,
    key_accepted,
    key_refused,
    workspace_changes,
)
from tests.support.samples import NOW


def test_a_notice_names_the_workspace_and_the_time() -> None:
    assert key_refused("eu", NOW).payload() == {
        "type": "workspace.refused",
        "timestamp": "2027-01-15T08:00:00.000Z",
        "data": {
            "client": "operator",
            "text": "Rally refuses the API key of the workspace “eu”. Its watches stay open; polling is paused.",
            "workspace": "eu",
            "since": "2027-01-15T08:00:00.000Z",
        },
    }
    assert key_accepted("eu", NOW, NOW + SECOND).payload() == {
        "type": "workspace.accepted",
        "timestamp": "2027-01-15T08:00:01.000Z",
        "data": {
            "client": "operator",
            "text": "Rally accepts the API key of the workspace “eu” again. Polling goes on.",
            "workspace": "eu",
            "refusedSince": "2027-01-15T08:00:00.000Z",
        },
    }


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


def test_the_notice_of_vanished_imports_says_what_to_check() -> None:
    begun, over = imports_vanished("eu", NOW, NOW + HOUR), imports_shown("eu", NOW, NOW + 2 * HOUR)

    assert (begun.type, begun.at, begun.facts) == (
        "workspace.imports_vanished",
        NOW + HOUR,
        {"workspace": "eu", "since": rfc3339(NOW)},
    )
    assert "“eu”" in begun.text
    assert "base URL" in begun.text
    assert (over.type, over.at, over.facts) == (
        "workspace.imports_shown",
        NOW + 2 * HOUR,
        {"workspace": "eu", "vanishedSince": rfc3339(NOW)},
    )
