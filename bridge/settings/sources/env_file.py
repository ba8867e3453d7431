"""The file `.env`: its variables with their lines."""

from io import StringIO
from pathlib import Path

from dotenv import dotenv_values
from dotenv.parser import Binding, parse_stream

from bridge.settings.problems import Place, Problem, problem
from bridge.settings.sources.given import Given


def read_env_file(path: str) -> tuple[dict[str, Given], list[Problem]]:
    """Return the variables of the file, and the problems of reading it. A missing file has neither."""
    if not Path(path).is_file():
        return {}, []
    try:
        text = Path(path).read_bytes().decode("utf-8-sig")
    except OSError as error:
        return {}, [problem(Place(path), "", f"can't be read ({error.strerror})")]
    except UnicodeDecodeError as error:
        return {}, [problem(Place(path), "", f"is not UTF-8 (byte {error.start + 1}); save it as UTF-8")]
    bindings = list(parse_stream(StringIO(text)))
    lines = {each.key: _line(each) for each in bindings if each.key}
    wrong = [problem(Place(path, _line(each)), "", "is not of the form NAME=value") for each in bindings if each.error]
    # dotenv would log a line that it can't parse, and leave it out.
    values = {each.key: each.value for each in bindings} if wrong else dotenv_values(stream=StringIO(text))
    return {name: Given(value or "", Place(path, lines[name])) for name, value in values.items() if name}, wrong


def _line(binding: Binding) -> int:
    """Return the line of a binding, whose text begins with the blank lines before it."""
    text = binding.original.string
    return binding.original.line + text[: len(text) - len(text.lstrip())].count("\n")
