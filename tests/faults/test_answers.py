"""The responses of the fake Rally are of the kind that they claim to be."""

import json
from random import Random

import pytest

from tests.faults.answers import LARGE, Story, answer_about, nested, oddities

STORY = Story(ending="completed_with_failures", began=0.0, seconds=10.0)


@pytest.mark.parametrize("at", [5.0, 15.0], ids=["while it runs", "when it has ended"])
def test_unusual_responses_have_a_valid_id_and_status(at: float) -> None:
    valid = answer_about("imp-1", STORY, at)
    assert valid.document is not None
    read = [json.loads(body.decode("utf-8-sig")) for body in oddities(valid.document)]
    assert len(read) > 10
    assert {(each["importId"], each["status"]) for each in read} == {("imp-1", valid.document["status"])}
    assert {bool(each.get("failedRecords")) for each in read} == {valid.final}


@pytest.mark.parametrize(("ending", "over"), [("completed", 12.0), ("not_found", 2.0), ("timed_out", None)])
def test_a_story_knows_the_moment_from_which_rally_reports_its_end(ending: str, over: float | None) -> None:
    assert Story(ending=ending, began=2.0, seconds=10.0).over_at == over


def test_nested_bodies_are_large_and_below_256_kb() -> None:
    chance = Random(1)
    assert all(LARGE // 2 < len(nested(chance)) < 256 * 1024 for _ in range(50))
