"""Logged texts: each is new once, and their memory is bounded."""

import pytest
from structlog.testing import capture_logs

from bridge.logged_texts import LONGEST_TEXT, LoggedTexts
from tests.support.world import World

pytestmark = pytest.mark.anyio


def test_a_text_is_new_once() -> None:
    texts = LoggedTexts()

    assert [texts.is_new(text) for text in ("a", "b", "a", "b", "c")] == [True, True, False, False, True]


def test_a_full_memory_treats_no_text_as_new() -> None:
    texts = LoggedTexts(most=3)

    assert [texts.is_new(str(number)) for number in range(5)] == [True, True, True, False, False]
    assert not texts.is_new("0")


def test_texts_that_are_equal_when_truncated_are_one() -> None:
    texts = LoggedTexts()

    assert texts.is_new("x" * LONGEST_TEXT + "a")
    assert not texts.is_new("x" * LONGEST_TEXT + "b")


async def test_a_status_of_any_length_is_logged_in_a_few_words(world: World) -> None:
    await world.sandbox.set_import("imp", ("S" * 100_000, 0))
    await world.watch()
    with capture_logs() as lines:
        await world.poll()

    (line,) = (line for line in lines if line["event"] == "import.status_unknown")
    assert len(line["status"]) == LONGEST_TEXT + 1
