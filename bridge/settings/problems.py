"""Where a value of the settings comes from, and how a problem with it is worded."""

from dataclasses import dataclass
from typing import TypeAlias

from bridge.domain.clients import SHORTEST_KEY

Problem: TypeAlias = str
"""A sentence with its place and its key; it repeats no value that may contain a secret."""


@dataclass(frozen=True, slots=True)
class Place:
    """The origin of a value: a file, perhaps with a line; the environment if there is no file."""

    file: str | None = None
    line: int | None = None

    def __str__(self) -> str:
        if self.file is None:
            return "environment"
        name = self.file if self.file.isprintable() and " " not in self.file else ascii(self.file)
        return name if self.line is None else f"{name}:{self.line}"


ENVIRONMENT = Place()


def problem(place: Place, key: str, text: str) -> Problem:
    """Return `.env:3: KEY: text`; without the place for a variable of the environment."""
    where = "" if place == ENVIRONMENT else f"{place}: "
    return f"{where}{key}: {text}" if key else f"{where}{text}"


def why_unreadable(error: Exception) -> str:
    """Return why a file can't be read, without its path, which may be a secret in the wrong place."""
    match error:
        case OSError(strerror=str(words)):
            return words
        case UnicodeDecodeError():
            return "it is not UTF-8"
        case _:
            return type(error).__name__


def shown(word: str) -> str:
    """Return a word as messages may show it: in full if it is too short for a key."""
    return word if len(word) < SHORTEST_KEY and word.isprintable() else "…"


def shown_key(*path: str) -> str:
    """Return a dotted key as messages may show it: a word in the place of a key may be a secret as well."""
    return ".".join(map(shown, path))
