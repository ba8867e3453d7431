"""The file `.env`: its variables with their lines."""

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
    problems = [problem(Place(path, _line(each)), "", OPEN_QUOTE if _swallows(each) else NO_FORM) for each in wrong]
    # dotenv would log a line that it can't parse, and leave it out.
    values = {each.key: each.value for each in bindings} if wrong else dotenv_values(stream=StringIO(text))
    given = {name: Given(value or "", Place(path, lines[name])) for name, value in values.items() if name}
    return EnvFile(given, problems, whole=not any(map(_swallows, wrong)))


NO_FORM = "is not of the form NAME=value"
OPEN_QUOTE = "has a quote that is not closed on this line, so the next lines can't be read"


def _swallows(binding: Binding) -> bool:
    """Return whether a binding that can't be parsed contains further lines, up to the next quote."""
    return "\n" in binding.original.string.strip()


def _line(binding: Binding) -> int:
    """Return the line of a binding, whose text begins with the blank lines before it."""
    text = binding.original.string
    return binding.original.line + text[: len(text) - len(text.lstrip())].count("\n")
