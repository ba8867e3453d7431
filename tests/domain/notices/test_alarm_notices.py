"""What the notices about alarms say."""

import re

import pytest

from bridge.domain.notices.alarm_notices import (
    BEGINNINGS,
    ENDS,
    Failing,
    alarm_began,
    alarm_ended,
    receivers_failing,
    receivers_recovered,
)
from bridge.domain.notices.alarms import Alarm, AlarmKind
from bridge.domain.times import MINUTE
from tests.support.samples import NOW

FACTS: dict[str, str | int] = {
    "overdue": 3,
    "refused": 4,
    "spent": 12,
    "limit": 100,
    "percent": 91,
    "why": "it writes no append-only file",
}


def receiver(failures: int = 4) -> Alarm:
    facts: dict[str, str | int] = {"failures": failures, "delivery_id": "dlv_1"}
    return Alarm(kind=AlarmKind.RECEIVER_FAILING, subject="callback:x", since=NOW - 15 * MINUTE, facts=facts)


def test_one_receiver_is_described_with_its_last_reason() -> None:
    notice = receivers_failing([receiver()], Failing("https://crm.example.com/…", "HTTP 503"), NOW)

    assert notice.text == (
        "Messages to https://crm.example.com/… fail since 07:45 UTC, one up to 4 times. The last reason: HTTP 503."
        " They are tried again. `rally-bridge show dlv_1` has the answers of the receiver;"
        " `rally-bridge deliveries --state pending` lists all."
    )
    assert notice.type == "receiver.failing"


def test_several_receivers_are_told_together() -> None:
    notice = receivers_failing([receiver(1), receiver(9)], Failing("#ops", None), NOW)

    assert notice.text.startswith(
        "2 receivers fail. The first: messages to #ops fail since 07:45 UTC, one up to 9 times."
    )
    assert "not known" in notice.text
    assert receivers_recovered([receiver(), receiver()], Failing("#ops", None), NOW).text.startswith("2 receivers take")
    assert receivers_recovered([receiver()], Failing("#ops", None), NOW).text.startswith("#ops takes messages again")


@pytest.mark.parametrize("kind", BEGINNINGS)
def test_each_other_alarm_has_a_sentence_for_its_beginning_and_its_end(kind: AlarmKind) -> None:
    alarm = Alarm(kind=kind, subject="eu", since=NOW, facts=FACTS)
    began, ended = alarm_began(alarm, NOW), alarm_ended(alarm, NOW)

    assert began.type == kind.value != ended.type
    assert began.text.endswith(".")
    assert "{" not in began.text + ended.text
    assert began.facts["workspace"] == ended.facts["workspace"] == "eu"


@pytest.mark.parametrize("kind", BEGINNINGS)
def test_each_beginning_says_what_to_do(kind: AlarmKind) -> None:
    text = alarm_began(Alarm(kind=kind, subject="eu", since=NOW, facts=FACTS), NOW).text

    assert re.search(r"Raise |Start one|slow it down|`rally-bridge doctor`", text)


def test_every_kind_has_its_words() -> None:
    assert BEGINNINGS.keys() == ENDS.keys() == set(AlarmKind) - {AlarmKind.RECEIVER_FAILING}
