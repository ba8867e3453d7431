"""The modal of failed records: within Slack's limits, whatever the records are; nothing in it acts by itself."""

import pytest

from bridge.destinations.slack.records_modal import (
    LOADING,
    PAGE,
    RecordsModal,
    RecordsPage,
    note_view,
    page_view,
    read_modal,
    waiting_view,
)
from bridge.domain.imports import FailedRecord
from tests.support.slack_modals import assert_takes, buttons_of, texts_of

MODAL = RecordsModal(watch_id="wat_" + "1" * 40, channel="C0PANELS")
RIGHT_TO_LEFT, EMOJI = "\u05d0" * 300, "\U0001f600" * 300


def page(count: int, *, start: int = 0, total: int | None = None, more: bool = False) -> RecordsPage:
    records = [FailedRecord(email=f"p{number}@example.com", person_id=f"id-{number}") for number in range(count)]
    total = start + count if total is None else total
    return RecordsPage(import_id="imp", label=None, total=total, records=records, start=start, more=more)


def test_addresses_are_shown_in_full_with_the_range_and_the_total() -> None:
    view = page_view(MODAL, page(PAGE, start=50, total=10_000, more=True))

    assert_takes(view)
    assert "• p0@example.com · id-0\n• p1@example.com · id-1" in texts_of(view)
    assert "*10,000 records* failed" in texts_of(view)
    assert "51 to 100 of 10,000" in texts_of(view)
    assert buttons_of(view) == {"records_previous": "0", "records_next": "100", "records_csv": "csv"}


def test_the_first_and_the_last_page_have_no_button_that_does_nothing() -> None:
    assert buttons_of(page_view(MODAL, page(1))) == {"records_csv": "csv"}
    assert buttons_of(page_view(MODAL, page(1, start=50))) == {"records_previous": "0", "records_csv": "csv"}
    assert buttons_of(page_view(MODAL, page(50, more=True))) == {"records_next": "50", "records_csv": "csv"}


def test_records_that_cannot_be_named_are_counted() -> None:
    assert "1 to 2 of 5. 3 more have neither an id nor an address." in texts_of(page_view(MODAL, page(2, total=5)))
    nameless = page_view(MODAL, page(0, total=3))
    assert_takes(nameless)
    assert "None of them has an id or an address." in texts_of(nameless)
    assert buttons_of(nameless) == {}


def test_no_records_are_said_to_be_none() -> None:
    view = page_view(MODAL, page(0))
    assert_takes(view)
    assert "*0 records* failed" in texts_of(view)
    assert buttons_of(view) == {}


@pytest.mark.parametrize("text", [RIGHT_TO_LEFT, EMOJI, "&<>" * 100, "*_~`:@#/." * 33, "x" * 500, " \r\n\u202e"])
def test_the_largest_page_is_within_the_limits(text: str) -> None:
    records = [FailedRecord(email=text, person_id=text)] * PAGE
    whole = RecordsPage(
        import_id=text[:200], label=text[:300], total=10_000, records=records, start=9_900, more=True, note=text
    )
    assert_takes(page_view(MODAL, whole))


@pytest.mark.parametrize("text", ["<!channel>", "<@U0ALICE>", "<https://example.com|x>", "a\u202eb"])
def test_nothing_in_a_record_acts(text: str) -> None:
    shown = texts_of(page_view(MODAL, _of(text)))
    assert text not in shown


def _of(text: str) -> RecordsPage:
    return RecordsPage(import_id=text, label=text, total=1, records=[FailedRecord(email=text)], note=text)


def test_sentences_have_a_way_back_to_the_records_unless_something_is_being_done() -> None:
    for view in (waiting_view(MODAL, LOADING), note_view(MODAL, "Sent.")):
        assert_takes(view)
    assert buttons_of(waiting_view(MODAL, LOADING)) == {}
    assert buttons_of(note_view(MODAL, "Sent.")) == {"records_show": "0"}


@pytest.mark.parametrize("text", ["", "{", "[]", "1", '["wat_1"]', '["wat_1", 2]', '{"a": 1}', "[" * 100_000])
def test_only_what_the_modal_was_opened_with_is_read_back(text: str) -> None:
    assert read_modal(text) is None
    assert read_modal(MODAL.written()) == MODAL
