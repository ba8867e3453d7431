"""Watches for a terminal of any width: a table where it fits, otherwise a few lines for each; ids are never cut.

A table that does not fit leaves out columns first.
"""

from collections.abc import Sequence

from rich.cells import cell_len
from rich.console import Console
from rich.table import Column, Table
from rich.text import Text

from bridge.cli.remote.printable import printable
from bridge.cli.remote.printing import print_line
from bridge.cli.remote.status_words import listed_status, people_words
from bridge.cli.remote.times import local_minute
from bridge.client import Watch

HEADINGS = ("Watch", "Import", "State", "People", "Failed", "Label", "Since")
LEFT_OUT: Sequence[frozenset[str]] = (frozenset(), frozenset({"Since"}), frozenset({"Since", "Failed"}))
"""The columns without which a table is tried, one after the other. The state says whether records failed."""
GAP = 2
SHORTEST_LABEL = 12
"""The width to which labels may be cut; a terminal that needs shorter ones gets no table."""


def print_watches(console: Console, watches: Sequence[Watch]) -> None:
    cells = [_cells(each) for each in watches]
    for left_out in LEFT_OUT:
        names = [name for name in HEADINGS if name not in left_out]
        rows = [[row[HEADINGS.index(name)] for name in names] for row in cells]
        texts = [names, *([str(cell) for cell in row] for row in rows)]
        if label_width := room_for_labels(texts, names.index("Label"), console.width):
            console.print(_table(names, rows, label_width))
            return
    for number, each in enumerate(watches):
        if number:
            console.print()
        for text in _lines(each, console.width):
            print_line(console, text)


def room_for_labels(rows: Sequence[Sequence[str]], label: int, width: int) -> int:
    """Return the cells that a table of this width has for column number `label`; 0 if it does not fit."""
    widths = [max(map(cell_len, column)) for column in zip(*rows, strict=True)]
    room = width - sum(widths) - GAP * (len(widths) - 1) + widths[label]
    return min(room, widths[label]) if room >= min(widths[label], SHORTEST_LABEL) else 0


def _cells(watch: Watch) -> list[Text]:
    people = "?" if watch.people is None else f"{watch.people:,}"
    return [
        Text(watch.id),
        Text(printable(watch.import_id)),
        listed_status(watch),
        Text(people),
        Text(f"{watch.failed_record_count:,}"),
        Text(printable(watch.label or "")),
        Text(local_minute(watch.created_at)),
    ]


def _table(names: Sequence[str], rows: Sequence[Sequence[Text]], label_width: int) -> Table:
    columns = (Column(name, no_wrap=True, width=label_width if name == "Label" else None) for name in names)
    shown = Table(*columns, box=None, pad_edge=False, padding=(0, GAP, 0, 0))
    for row in rows:
        shown.add_row(*row)
    return shown


def _lines(watch: Watch, width: int) -> list[Text]:
    """Return the lines of one watch; the import's id and the time get own lines where they do not fit."""
    state, import_id = listed_status(watch), Text(printable(watch.import_id))
    fits = state.cell_len + GAP + import_id.cell_len <= width
    first = [Text.assemble(state, " " * GAP, import_id)] if fits else [state, import_id]
    failed = f", {watch.failed_record_count:,} failed" if watch.failed_record_count else ""
    facts = [f"  {people_words(watch)}{failed}", f"  {local_minute(watch.created_at)}"]
    joined = f"{facts[0]} · {facts[1].lstrip()}"
    facts = [joined] if cell_len(joined) <= width else facts
    label = [Text(f"  {printable(watch.label)}")] if watch.label else []
    return [*first, Text(f"  {watch.id}"), *label, *map(Text, facts)]
