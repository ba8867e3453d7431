"""What each result of a post or an edit changes about a living message."""

from dataclasses import replace

import pytest

from bridge.domain.delivery.posted_messages import PostedMessage
from bridge.domain.delivery.verdicts import Accepted, Deferred, Rejected, Verdict
from bridge.domain.living.edit_results import Edited, EditResult, Gone, Postponed, Refused, Unreadable
from bridge.domain.living.living_message import LivingMessage, Phase
from bridge.domain.living.updates import after_edit, after_last_edit, after_post
from bridge.domain.times import HOUR, MINUTE, SECOND
from tests.support.samples import NOW

POSTED = PostedMessage(channel="C0123ABCD", ts="1.2")
WAITING = LivingMessage(phase=Phase.WAITING, due=NOW)
SHOWN = LivingMessage(phase=Phase.SHOWN, due=NOW, posted=POSTED, words="old")


@pytest.mark.parametrize(
    ("verdict", "after"),
    [
        (Accepted(POSTED), replace(WAITING, phase=Phase.SHOWN, posted=POSTED, words="new", due=NOW + MINUTE)),
        (Accepted(), replace(WAITING, phase=Phase.GIVEN_UP)),
        (Rejected("not_in_channel"), replace(WAITING, phase=Phase.GIVEN_UP)),
        (Deferred("timeout", ambiguous=True), replace(WAITING, phase=Phase.GIVEN_UP)),
        (Deferred("new", max_tries=3), replace(WAITING, phase=Phase.GIVEN_UP)),
        (Deferred("429", 2 * SECOND, whole_lane=True), replace(WAITING, due=NOW + MINUTE)),
        (Deferred("429", 2 * MINUTE, whole_lane=True), replace(WAITING, due=NOW + 2 * MINUTE)),
        (Deferred("accesslimited", HOUR), replace(WAITING, due=NOW + 5 * MINUTE)),
        (Deferred("connect_failure"), replace(WAITING, due=NOW + MINUTE)),
        (Deferred("invalid_blocks", as_plain_text=True), replace(WAITING, plain=True, due=NOW + SECOND)),
    ],
)
def test_a_post_that_slack_may_have_accepted_is_never_repeated(verdict: Verdict, after: LivingMessage) -> None:
    assert after_post(WAITING, verdict, "new", NOW) == after


def test_a_post_is_repeated_as_plain_text_only_once() -> None:
    unreadable = Deferred("invalid_blocks", as_plain_text=True)

    assert after_post(replace(WAITING, plain=True), unreadable, "new", NOW).phase is Phase.GIVEN_UP


@pytest.mark.parametrize(
    ("result", "after"),
    [
        (Edited(), replace(SHOWN, words="new", due=NOW + MINUTE)),
        (Gone("x"), replace(SHOWN, phase=Phase.GIVEN_UP, posted=None)),
        (Refused("x"), replace(SHOWN, phase=Phase.FROZEN)),
        (Unreadable("x"), replace(SHOWN, plain=True)),
        (Postponed("x"), replace(SHOWN, words="", failures=1, due=NOW + MINUTE)),
    ],
)
def test_each_result_of_an_edit_has_its_consequence(result: EditResult, after: LivingMessage) -> None:
    assert after_edit(SHOWN, result, "new", NOW) == after


def test_plain_text_that_slack_does_not_take_either_stays_as_it_is() -> None:
    assert after_edit(replace(SHOWN, plain=True), Unreadable("x"), "new", NOW).phase is Phase.FROZEN


def test_an_edit_that_succeeds_forgets_the_failures_before() -> None:
    assert after_edit(replace(SHOWN, failures=2), Edited(), "new", NOW).failures == 0


@pytest.mark.parametrize(
    ("failures", "result", "phase"),
    [
        (0, Edited(), Phase.ENDED),
        (0, Postponed("x"), Phase.SHOWN),
        (1, Postponed("x"), Phase.SHOWN),
        (2, Postponed("x"), Phase.ENDED),
        (0, Gone("x"), Phase.GIVEN_UP),
        (0, Refused("x"), Phase.FROZEN),
        (0, Unreadable("x"), Phase.SHOWN),
    ],
)
def test_the_last_edit_is_tried_three_times(failures: int, result: EditResult, phase: Phase) -> None:
    after = after_last_edit(replace(SHOWN, failures=failures), result, NOW)

    assert after.phase is phase
    assert after.is_over() is (phase is not Phase.SHOWN)
