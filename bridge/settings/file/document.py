"""A parsed configuration file, and the place of each of its keys."""

import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from bridge.settings.file import key_lines
from bridge.settings.parsers import NAME
from bridge.settings.problems import Place, Problem, problem

LARGEST = 1024 * 1024
"""The size in bytes that the file may have."""
_POSITION = re.compile(r" \(at (?:line (?P<line>\d+), column \d+|end of document)\)$")
_QUOTATION = re.compile(r"\(.*\)|(['\"]).{3,}\1")
"""The keys and values that a message of tomllib repeats: a tuple of keys, or one word."""


@dataclass(frozen=True)
class Document:
    """The tables of a file; without a file, none."""

    path: str | None = None
    text: str = field(default="", repr=False)
    tables: Mapping[str, Any] = field(default_factory=dict, repr=False)

    @cached_property
    def _lines(self) -> dict[key_lines.Path, int]:
        return key_lines.lines_of(self.text)

    def place(self, *path: str | int) -> Place:
        """Return the place of a key, else of the closest table around it."""
        for end in range(len(path), 0, -1):
            if lines := [line for known, line in self._lines.items() if known[:end] == path[:end]]:
                return Place(self.path, min(lines))
        return Place(self.path)

    def places(self) -> dict[str, Place]:
        """Return the place of each key and table, by its dotted name."""
        return {self.dotted(*path): Place(self.path, line) for path, line in self._lines.items()}

    def dotted(self, *path: str | int) -> str:
        """Return the name of a key or table: `rules.ops-csv.types`. What has no name has its number, from 1."""
        first, *rest = path
        if first == "rules" and rest and isinstance(number := rest[0], int):
            name = self.tables["rules"][number].get("name")
            rest[0] = name if isinstance(name, str) and NAME.fullmatch(name) else number
        return ".".join(str(each + 1 if isinstance(each, int) else each) for each in (first, *rest))

    def names(self, section: str) -> Iterable[str]:
        """Return the names of a section's tables, valid or not."""
        tables = self.tables.get(section)
        return tables if isinstance(tables, dict) else ()

    def lists(self, section: str, key: str) -> Iterator[tuple[str, Sequence[Any]]]:
        """Yield, for each table of a section, its name and the list under `key`."""
        for name in self.names(section):
            table = self.tables[section][name]
            if isinstance(table, dict) and isinstance(table.get(key), list):
                yield name, table[key]

    @property
    def folder(self) -> Path:
        """The folder that paths in the file are relative to."""
        return Path(self.path or "").parent


def read_document(path: str) -> tuple[Document | None, list[Problem]]:
    """Read a file; return its tables, or why there are none. Raises OSError if it can't be read."""
    try:
        with Path(path).open("rb") as file:
            raw = file.read(LARGEST + 1)
    except ValueError as error:  # a path with a null character
        raise OSError from error
    if len(raw) > LARGEST:
        return None, [problem(Place(path), "", "is larger than 1 MiB")]
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        return None, [problem(Place(path), "", f"is not UTF-8 (byte {error.start + 1}); save it as UTF-8")]
    try:
        document = Document(path, text, tomllib.loads(text))
        document.places()  # raises RecursionError as well
    except RecursionError:
        return None, [problem(Place(path), "", "nests its values too deeply")]
    except tomllib.TOMLDecodeError as error:
        return None, [_not_toml(path, str(error), last_line=text.count("\n") + 1)]
    except ValueError:  # of int()
        return None, [problem(Place(path), "", "holds a number with too many digits")]
    return document, []


def _not_toml(path: str, message: str, *, last_line: int) -> Problem:
    """Word a syntax error; what it quotes of the file is left out, as it may be a secret."""
    position = _POSITION.search(message)
    line = int(position["line"]) if position and position["line"] else last_line
    return problem(Place(path, line), "", f"is not TOML: {_QUOTATION.sub('…', _POSITION.sub('', message))}")
