"""Deduplicator: what others say is told once, and what is remembered of it has bounds."""

import pytest
from structlog.testing import capture_logs

from bridge.domain.deduplicator import LONGEST_TEXT, Deduplicator
from tests.support.world import World

pytestmark = pytest.mark.anyio


def test_a_text_is_new_once() -> None:
    deduplicator = Deduplicator()

    assert [deduplicator.is_new(text) for text in ("a", "b", "a", "b", "c")] == [True, True, False, False, True]


def test_once_too_many_are_remembered_nothing_is_new() -> None:
    deduplicator = Deduplicator(most=3)

    assert [deduplicator.is_new(str(number)) for number in range(5)] == [True, True, True, False, False]
    assert not deduplicator.is_new("0")


def test_texts_that_are_told_alike_are_one() -> None:
    deduplicator = Deduplicator()

    assert deduplicator.is_new("x" * LONGEST_TEXT + "a")
    assert not deduplicator.is_new("x" * LONGEST_TEXT + "b")


async def test_a_status_of_any_length_is_logged_in_a_few_words(world: World) -> None:
    await world.sandbox.set_import("imp", ("S" * 100_000, 0))
    await world.watch()
    with capture_logs() as lines:
        await world.poll()

    (line,) = (line for line in lines if line["event"] == "import.status_unknown")
    assert len(line["status"]) == LONGEST_TEXT + 1
