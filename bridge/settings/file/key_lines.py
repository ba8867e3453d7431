"""The line of each key in a TOML document, which `tomllib` does not report.

A statement of TOML ends at the end of a line, and no beginning of it is a statement by itself. So lines are added to a
statement until `tomllib` accepts it. Only arrays and strings extend over several lines.
"""

import re
import tomllib
from collections.abc import Iterator
from typing import Any, TypeAlias

_LAST_LINE = re.compile(r"]|}|\"{3}|'{3}")
"""What the last of several lines contains."""
Path: TypeAlias = tuple[str | int, ...]
"""The keys that lead to a value; a number for an element of an array of tables."""


def lines_of(text: str) -> dict[Path, int]:
    """Return the line on which each key and table of a valid document begins."""
    lines: dict[Path, int] = {}
    elements: dict[Path, int] = {}
    table: Path = ()
    for number, statement, parsed in _statements(text):
        if statement.lstrip().startswith("["):
            table = _header(parsed, elements)
            lines.setdefault(table, number)
        else:
            for path in _paths(parsed):
                lines.setdefault((*table, *path), number)
    return lines


def _statements(text: str) -> Iterator[tuple[int, str, dict[str, Any]]]:
    """Yield the line, the text and the parsed content of each statement."""
    statement, begin = "", 1
    for number, line in enumerate(text.replace("\r\n", "\n").split("\n"), start=1):
        statement += f"{line}\n"
        if number > begin and not _LAST_LINE.search(line):
            continue  # to parse a long array once per line would take seconds
        try:
            parsed = tomllib.loads(statement)
        except tomllib.TOMLDecodeError:
            continue
        yield begin, statement, parsed
        statement, begin = "", number + 1


def _header(parsed: dict[str, Any], elements: dict[Path, int]) -> Path:
    """Return the path of a table; `elements` counts those of each array of tables."""
    path: Path = ()
    value: Any = parsed
    while isinstance(value, dict) and value:
        ((key, value),) = value.items()
        path = (*path, key)
        if isinstance(value, list):
            elements[path] = elements.get(path, -1) + 1
        if path in elements:
            path = (*path, elements[path])
    return path


def _paths(values: dict[str, Any]) -> Iterator[Path]:
    for key, value in values.items():
        yield (key,)
        if isinstance(value, dict):
            yield from ((key, *path) for path in _paths(value))
