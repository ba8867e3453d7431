"""The check of a trial: each broken promise is found, and a good trial has none."""

from dataclasses import replace
from typing import Any

import pytest

from .findings import Message, Trial, breaches

ENDED = {"outcome": "completed", "settledAt": "2027-01-15T08:00:00Z"}
SHOWN = ("completed", "2027-01-15T08:00:00Z")
GOOD = Trial(
    kind="killed",
    named_after=2.0,
    followed_after=3.0,
    accepted_after=0.5,
    told_after=5.0,
    refused=1,
    accepted={"wat_1": "imp"},
    pushed=["msg_1"],
    shown={"wat_1": SHOWN},
    final={"wat_1": ENDED},
    watches_of={"imp": ["wat_1"]},
    recorded=frozenset({"msg_1"}),
    messages=[Message(watch_id="wat_1", message_id="ntf_1", body="done")] * 2,
)


def test_a_good_trial_breaks_no_promise() -> None:
    assert list(breaches(GOOD)) == []


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"final": {}}, "lost: wat_1"),
        ({"recorded": frozenset()}, "lost: push msg_1"),
        ({"watches_of": {"imp": ["wat_1", "wat_2"]}}, "doubled: imp has 2 watches"),
        ({"shown": {"wat_1": ("failed", SHOWN[1])}}, "changed: wat_1"),
        ({"shown": {}, "final": {"wat_1": {"outcome": None, "settledAt": None}}}, "open: wat_1"),
        ({"messages": []}, "untold: wat_1"),
        ({"messages": [*GOOD.messages, replace(GOOD.messages[0], body="other")]}, "told differently: wat_1"),
        ({"accepted_after": 5.1}, "late: nothing was accepted until 5.1 s"),
        ({"told_after": None}, "late: nothing was told until 60 s"),
    ],
)
def test_each_broken_promise_is_found(changes: dict[str, Any], words: str) -> None:
    (found,) = breaches(replace(GOOD, **changes))
    assert found.startswith(words)
