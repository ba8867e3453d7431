"""Failed records as CSV: the columns of Rally's upload, quoting, and cells that a spreadsheet must not run."""

import csv
from io import StringIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.domain.failed_records_csv import csv_parts, safe_cell
from bridge.domain.imports import FailedRecord

HEADER = "email,personId,importId\r\n"


def written(*records: FailedRecord, import_id: str = "imp", safe: bool = False) -> str:
    return "".join(csv_parts(records, import_id, safe=safe))


def test_without_records_there_is_a_header() -> None:
    assert written() == HEADER


def test_the_columns_are_those_of_the_upload_with_the_address_first() -> None:
    records = (
        FailedRecord(person_id="p1"),
        FailedRecord(email="jane@example.com"),
        FailedRecord(person_id="p2", email="x@example.com"),
    )
    assert written(*records) == f"{HEADER},p1,imp\r\njane@example.com,,imp\r\nx@example.com,p2,imp\r\n"


def test_quotes_commas_and_line_breaks_stay_in_their_cell() -> None:
    record = FailedRecord(person_id="a\r\nb\rc", email='"jane, doe"@example.com')
    assert written(record, import_id='i"1,\n') == f'{HEADER}"""jane, doe""@example.com","a\r\nb\rc","i""1,\n"\r\n'


@pytest.mark.parametrize(
    "text",
    [
        *("=1+1", "+1@example.com", "-2", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "\tx"),
        *(" =1", "\u00a0=1", "\ufeff=1", "\u200b=1", "\u202e=1", "\x00=1", "＝1", "＋1", "－1", "＠x"),
    ],
)
def test_a_cell_that_a_spreadsheet_would_run_is_text_when_it_must_be_safe(text: str) -> None:
    assert safe_cell(text) == f"'{text}"


@pytest.mark.parametrize("text", ["", "jane@example.com", "a=1", "مريم@example.com", "'=1", "123", " jane"])
def test_other_cells_stay_as_they_are(text: str) -> None:
    assert safe_cell(text) == text


def test_every_column_is_made_safe_only_on_request() -> None:
    record = FailedRecord(person_id="-p", email="=1")
    assert written(record, import_id="@imp", safe=True) == f"{HEADER}'=1,'-p,'@imp\r\n"
    assert written(record, import_id="@imp") == f"{HEADER}=1,-p,@imp\r\n"


@pytest.mark.parametrize("count", [499, 500, 10_000])
def test_many_records_come_in_parts_with_one_header(count: int) -> None:
    parts = list(
        csv_parts((FailedRecord(email=f"p{number}@example.com") for number in range(count)), "imp", safe=False)
    )

    assert len(parts) == -(-(count + 1) // 500)
    assert max(part.count("\n") for part in parts) <= 500
    lines = "".join(parts).split("\r\n")
    assert lines[:2] == ["email,personId,importId", "p0@example.com,,imp"]
    assert lines[-2:] == [f"p{count - 1}@example.com,,imp", ""]


TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
RECORDS = st.builds(FailedRecord, person_id=st.none() | TEXTS, email=st.none() | TEXTS)


@given(st.lists(RECORDS, max_size=5), TEXTS)
def test_any_records_are_read_back_by_another_parser(records: list[FailedRecord], import_id: str) -> None:
    rows = list(csv.reader(StringIO(written(*records, import_id=import_id), newline="")))

    assert rows[1:] == [[record.email or "", record.person_id or "", import_id] for record in records]
