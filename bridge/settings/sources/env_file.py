"""The file `.env`: its variables with their lines."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from io import StringIO
from pathlib import Path

from dotenv import dotenv_values
from dotenv.parser import Binding, parse_stream

from bridge.settings.problems import Place, Problem, problem, why_unreadable
from bridge.settings.sources.given import Given


@dataclass(frozen=True, slots=True)
class EnvFile:
    """The variables of the file, and the problems of reading it. If it is not whole, any variable may be missing."""

    values: Mapping[str, Given] = field(default_factory=dict, repr=False)
    problems: Sequence[Problem] = ()
    whole: bool = True
    unread: frozenset[str] = frozenset()
    """The variables on lines that can't be parsed."""
    empty: Mapping[str, Place] = field(default_factory=dict)
    """The variables without a text, which count as not set."""

    def may_have_lost(self, name: str) -> bool:
        """Return whether a variable that is absent may be in the part that could not be read."""
        return not self.whole or name in self.unread


def read_env_file(path: str) -> EnvFile:
    """Return what is in the file. A missing file has neither variables nor problems."""
    if Path(path).is_dir():
        return _unreadable(path, "is a folder; it must be a file with lines of the form NAME=value")
    if not Path(path).is_file():
        return EnvFile()
    try:
        text = Path(path).read_bytes().decode("utf-8-sig")
    except OSError as error:
        return _unreadable(path, f"can't be read ({why_unreadable(error)})")
    except UnicodeDecodeError as error:
        return _unreadable(path, f"is not UTF-8 (byte {error.start + 1}); save it as UTF-8")
    return _parsed(path, text)


def _unreadable(path: str, why: str) -> EnvFile:
    return EnvFile(problems=[problem(Place(path), "", why)], whole=False)


def _parsed(path: str, text: str) -> EnvFile:
    bindings = list(parse_stream(StringIO(text)))
    lines = {each.key: _line(each) for each in bindings if each.key}
    wrong = [each for each in bindings if each.error]
    problems = [problem(Place(path, _line(each)), "", _fault(each)) for each in wrong]
    # dotenv would log a line that it can't parse, and leave it out.
    values = {each.key: each.value for each in bindings} if wrong else dotenv_values(stream=StringIO(text))
    given = {name: Given(value or "", Place(path, lines[name])) for name, value in values.items() if name}
    unread = frozenset(found[1] for each in wrong if (found := _BEGINNING.match(each.original.string)))
    return EnvFile(given, problems, whole=not any(map(_swallows, wrong)), unread=unread)


_BEGINNING = re.compile(r"\s*(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)\s*=\s*(['\"]?)")
NO_FORM = "is not of the form NAME=value"
OPEN_QUOTE = "has a quote that is not closed"
LOST_LINES = "has a quote that is not closed on this line, so the next lines can't be read"


def _fault(binding: Binding) -> str:
    if _swallows(binding):
        return LOST_LINES
    found = _BEGINNING.match(binding.original.string)
    return OPEN_QUOTE if found and found[2] else NO_FORM


def _swallows(binding: Binding) -> bool:
    """Return whether a binding that can't be parsed contains further lines, up to the next quote."""
    return "\n" in binding.original.string.strip()


def _line(binding: Binding) -> int:
    """Return the line of a binding, whose text begins with the blank lines before it."""
    text = binding.original.string
    return binding.original.line + text[: len(text) - len(text.lstrip())].count("\n")
