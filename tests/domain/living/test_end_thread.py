"""Where an end is told, by the state of its living message."""

from dataclasses import replace

import pytest

from bridge.domain.delivery.posted_messages import PostedMessage, Thread
from bridge.domain.living.end_place import EndPlace
from bridge.domain.living.end_thread import AwaitPost, place_of
from bridge.domain.living.living_message import LivingMessage, Phase
from bridge.domain.times import MINUTE, SECOND
from tests.support.samples import NOW

SHOWN = LivingMessage(phase=Phase.SHOWN, due=NOW, posted=PostedMessage(channel="C0123ABCD", ts="1.2"))
POSTING = LivingMessage(phase=Phase.POSTING, due=NOW, answer_by=NOW + 20 * SECOND)


@pytest.mark.parametrize("phase", [Phase.SHOWN, Phase.FROZEN, Phase.ENDED])
def test_an_end_is_a_reply_to_a_message_that_is_in_slack(phase: Phase) -> None:
    living = replace(SHOWN, phase=phase)

    assert place_of(EndPlace.BROADCAST, living, NOW) == Thread(ts="1.2", broadcast=True)
    assert place_of(EndPlace.REPLY, living, NOW) == Thread(ts="1.2", broadcast=False)
    assert place_of(EndPlace.MESSAGE, living, NOW) is None


@pytest.mark.parametrize(
    "living",
    [
        None,
        LivingMessage(phase=Phase.WAITING, due=NOW),
        LivingMessage(phase=Phase.GIVEN_UP, due=NOW),
        replace(SHOWN, phase=Phase.GIVEN_UP),
        replace(POSTING, answer_by=NOW),
        replace(POSTING, answer_by=0),
        replace(POSTING, answer_by=NOW + 31 * SECOND),  # the clock was set back
        replace(POSTING, answer_by=NOW - MINUTE),
    ],
)
def test_an_end_without_a_known_living_message_is_an_ordinary_message(living: LivingMessage | None) -> None:
    assert place_of(EndPlace.BROADCAST, living, NOW) is None


def test_an_end_waits_for_the_answer_to_the_post() -> None:
    assert place_of(EndPlace.BROADCAST, POSTING, NOW) == AwaitPost()
    assert place_of(EndPlace.MESSAGE, POSTING, NOW) is None
