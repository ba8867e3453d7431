"""Failed records as CSV (RFC 4180), with the columns that Rally's upload takes."""

import csv
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from io import StringIO
from itertools import chain, islice

from bridge.domain.imports import FailedRecord

COLUMNS = ("email", "personId", "importId")
ROWS_AT_ONCE = 500
FORMULA_SIGNS = frozenset("=+-@＝＋－＠")
"""The characters with which spreadsheets begin a formula, after white space and invisible characters."""
FORMULA_SEPARATORS = frozenset("\t\r\n")
"""Characters at the beginning of a cell after which a spreadsheet may find a formula in the next cell."""
INVISIBLE = ("Z", "C")
"""The first letters of the Unicode categories of separators, and of control and formatting characters."""


def csv_parts(records: Iterable[FailedRecord], import_id: str, *, safe: bool) -> Iterator[str]:
    """Yield the CSV in parts of some hundred rows, the header first; `safe` disarms what a spreadsheet would run."""
    rows: Iterator[Sequence[str]] = ((each.email or "", each.person_id or "", import_id) for each in records)
    if safe:
        rows = (tuple(map(safe_cell, row)) for row in rows)
    rows = chain((COLUMNS,), rows)
    while part := list(islice(rows, ROWS_AT_ONCE)):
        yield _written(part)


def safe_cell(text: str) -> str:
    """Return a cell with an apostrophe before it if a spreadsheet would take it for a formula."""
    first = next((character for character in text if unicodedata.category(character)[0] not in INVISIBLE), "")
    return f"'{text}" if first in FORMULA_SIGNS or text[:1] in FORMULA_SEPARATORS else text


def _written(rows: Iterable[Sequence[str]]) -> str:
    text = StringIO(newline="")
    csv.writer(text).writerows(rows)
    return text.getvalue()
