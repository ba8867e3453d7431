"""Comparing an end with the earlier ones of its label and type."""

import pytest

from bridge.domain.outcomes import Outcome
from bridge.domain.past_ends import KEPT, Comparison, Histories, PastEnd, compare

FAILED, GOOD = Outcome.FAILED, Outcome.COMPLETED


def ends(*outcomes: Outcome, took: int | None = None, mark: str = "") -> tuple[PastEnd, ...]:
    return tuple(PastEnd(mark=mark or f"m{number}", outcome=each, took=took) for number, each in enumerate(outcomes))


def compared(outcome: Outcome, of_label: tuple[PastEnd, ...], of_type: tuple[PastEnd, ...] = ()) -> Comparison:
    return compare(outcome, Histories(mark="own", names=(), of_label=of_label, of_type=of_type, kept_for=0))


@pytest.mark.parametrize(
    ("outcome", "before", "in_a_row", "again"),
    [
        (FAILED, (), 1, False),
        (FAILED, (FAILED, FAILED, GOOD, FAILED), 3, False),
        (FAILED, (GOOD, FAILED), 1, False),
        (FAILED, (FAILED,) * KEPT, KEPT + 1, False),
        (GOOD, (FAILED, GOOD), 0, True),
        (GOOD, (GOOD, FAILED), 0, False),
        (GOOD, (), 0, False),
        (Outcome.COMPLETED_WITH_FAILURES, (FAILED,), 0, False),
        (GOOD, (Outcome.COMPLETED_WITH_FAILURES, FAILED), 0, False),
    ],
)
def test_failures_are_counted_from_the_newest(
    outcome: Outcome, before: tuple[Outcome, ...], in_a_row: int, *, again: bool
) -> None:
    found = compared(outcome, ends(*before))

    assert (found.failed_in_a_row, found.works_again) == (in_a_row, again)


def test_the_import_itself_is_not_compared() -> None:
    own = ends(FAILED, took=9, mark="own")

    assert compared(FAILED, own).failed_in_a_row == 1
    assert not compared(GOOD, own).works_again
    assert compared(GOOD, ends(*[GOOD] * 4, took=5) + own).usual is None


def test_what_is_usual_is_the_median_of_five_or_more_that_did_not_fail() -> None:
    spans = (10, 1, 2, 400, 3)
    of_label = tuple(PastEnd(mark=str(span), outcome=GOOD, took=span) for span in spans)

    assert compared(GOOD, of_label).usual == 3
    assert compared(GOOD, of_label[1:] + ends(FAILED, took=1) + ends(GOOD)).usual is None


def test_the_label_is_preferred_to_the_type() -> None:
    assert compared(GOOD, ends(*[GOOD] * 5, took=7), ends(*[GOOD] * 5, took=8)).usual == 7
    assert compared(GOOD, ends(*[GOOD] * 4, took=7), ends(*[GOOD] * 5, took=8)).usual == 8


def test_what_came_after_an_end_says_nothing_of_it() -> None:
    later, own, earlier = (PastEnd(mark=mark, outcome=FAILED, took=None) for mark in ("later", "own", "earlier"))
    histories = Histories(mark="own", names=(), of_label=(later, own, earlier), of_type=(later, earlier), kept_for=0)

    assert histories.before_own().of_label == (earlier,)
    assert histories.before_own().of_type == (), "it is not known which ends were before"
